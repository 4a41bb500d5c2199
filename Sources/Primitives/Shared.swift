/// A value by reference: copies of its owner share it until one of them is given another.
///
/// For what is large, seldom changed and the same in many owners, as settings are: thousands of nodes of one process then keep one copy.
@propertyWrapper
public struct Shared<Value: Sendable>: Sendable {
    private final class Box: Sendable {
        let value: Value

        init(_ value: Value) { self.value = value }
    }

    private var box: Box

    public init(wrappedValue: Value) { box = Box(wrappedValue) }

    public var wrappedValue: Value {
        _read { yield box.value }
        set { box = Box(newValue) }
    }
}
