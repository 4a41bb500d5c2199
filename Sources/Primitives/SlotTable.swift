/// A table whose values lie in slots of one array and are read and changed in place.
///
/// A dictionary hands out copies: to read one number of a large value it retains and releases all of the value's arrays. Where
/// values are machines and every packet reads several numbers of one, that is most of the packet's cost.
public struct SlotTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    @usableFromInline var places: [Key: Int] = [:]
    @usableFromInline var slots: ContiguousArray<Value?> = []
    @usableFromInline var vacancies: [Int] = []

    @inlinable public init() {}

    @inlinable public var count: Int { places.count }
    @inlinable public var isEmpty: Bool { places.isEmpty }

    /// The keys in no order.
    @inlinable public var keys: Dictionary<Key, Int>.Keys { places.keys }

    /// The value in its slot; `nil` takes it out, as in a dictionary.
    @inlinable public subscript(key: Key) -> Value? {
        _read {
            // Not `slots[place]`, which is a copy: a span lends what it holds.
            if let place = places[key] { yield slots.span[place] } else { yield nil }
        }
        _modify {
            if let place = places[key] {
                defer { if slots[place] == nil { vacate(place, of: key) } }
                yield &slots[place]
            } else {
                var value: Value?
                defer { if let value { insert(value, for: key) } }
                yield &value
            }
        }
    }

    /// Takes a value out; `nil` if there is none.
    @inlinable @discardableResult public mutating func removeValue(forKey key: Key) -> Value? {
        guard let place = places[key] else { return nil }
        let value = slots[place]
        slots[place] = nil
        vacate(place, of: key)
        return value
    }

    @usableFromInline mutating func insert(_ value: Value, for key: Key) {
        if let place = vacancies.popLast() {
            slots[place] = value
            places[key] = place
        } else {
            places[key] = slots.count
            slots.append(value)
        }
    }

    @usableFromInline mutating func vacate(_ place: Int, of key: Key) {
        places[key] = nil
        vacancies.append(place)
    }
}
