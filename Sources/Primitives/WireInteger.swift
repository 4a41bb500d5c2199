/// An integer that a stranger chose.
///
/// In Swift every unchecked arithmetic on a wire value is a remote crash, so this wrapper has no `+ - *` and no conversion that
/// traps: a value leaves it only through a bound.
@frozen public struct WireInteger<Value: FixedWidthInteger & UnsignedInteger & Sendable>: Hashable, Sendable {
    @usableFromInline let value: Value

    @inlinable public init(_ value: Value) {
        self.value = value
    }

    /// The value as an `Int` if it lies within `bounds`, else `nil`.
    @inlinable public func int(in bounds: ClosedRange<Int>) -> Int? {
        guard let number = Int(exactly: value), bounds.contains(number) else { return nil }
        return number
    }

    /// The value as an `Int`, or `limit` where it is larger; `limit` must not be negative.
    @inlinable public func int(clampedTo limit: Int) -> Int {
        precondition(limit >= 0)
        return min(Int(exactly: value) ?? limit, limit)
    }

    /// The untouched value, for comparing, echoing and storing; never for arithmetic.
    @inlinable public var opaque: Value { value }
}
