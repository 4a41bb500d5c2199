public import Primitives

/// What is to happen, in the order of its instants; what is due at the same instant happens in the order of insertion.
///
/// A timer wheel over a small heap. The wheel sorts roughly: an event goes into a slot in constant time and falls one level whenever
/// the wheel comes to its slot. The heap sorts exactly what belongs to the present tick, so that the order is that of one
/// big heap, while ten thousand or a million pending events cost nearly the same.
///
/// Payloads never move in memory: what is sorted is (instant, number, place), and a freed place is used again at once.
public struct EventQueue<Payload: Sendable>: Sendable {
    private typealias Entry = QuaternaryHeap.Entry

    private var payloads: [Payload?] = []
    private var freePlaces: [UInt32] = []
    private var wheel = TimerWheel()
    /// Every event whose tick has come: while it is not empty, the earliest of all is its first.
    private var due = QuaternaryHeap()
    private var fallen: [Entry] = []
    private var insertions: UInt64 = 0

    /// How many events are pending.
    public private(set) var count = 0

    public var isEmpty: Bool { count == 0 }

    /// How many payloads there is room for: the most that were ever pending at once.
    var placeCount: Int { payloads.count }
    /// How many blocks of the wheel were ever in use at once.
    var blockCount: Int { wheel.blockCount }

    public init() {}

    /// Plans an event; one that lies before the last popped is popped next.
    public mutating func insert(_ payload: Payload, at instant: Instant) {
        let place = claimPlace(for: payload)
        file(Entry(nanoseconds: instant.nanoseconds, number: insertions, place: place))
        insertions += 1
        count += 1
    }

    /// When the next event is due; finding it turns the wheel up to it.
    public var nextInstant: Instant? {
        mutating get {
            guard count > 0 else { return nil }
            if due.isEmpty { turn() }
            return due.first.map { Instant(nanoseconds: $0.nanoseconds) }
        }
    }

    /// Takes the earliest event out.
    public mutating func popMin() -> (instant: Instant, payload: Payload)? {
        guard count > 0 else { return nil }
        if due.isEmpty { turn() }
        return takeDue()
    }

    /// Takes the earliest event out unless it is later than `limit`.
    public mutating func popMin(through limit: Instant) -> (instant: Instant, payload: Payload)? {
        guard let next = nextInstant, next.nanoseconds <= limit.nanoseconds else { return nil }
        return takeDue()
    }

    /// Stops where the parts disagree.
    public func checkInvariants() {
        due.checkInvariants()
        precondition(payloads.count - freePlaces.count == count, "the count is not that of the payloads")
    }

    private mutating func takeDue() -> (instant: Instant, payload: Payload)? {
        guard let entry = due.popFirst() else { return nil }
        guard let payload = payloads[Int(entry.place)].take() else { preconditionFailure("a pending event is empty") }
        freePlaces.append(entry.place)
        count -= 1
        return (Instant(nanoseconds: entry.nanoseconds), payload)
    }

    private mutating func claimPlace(for payload: Payload) -> UInt32 {
        if let place = freePlaces.popLast() {
            payloads[Int(place)] = payload
            return place
        }
        payloads.append(payload)
        return UInt32(payloads.count - 1)
    }

    @inline(__always)
    private mutating func file(_ entry: Entry) {
        if !wheel.insert(entry) { due.insert(entry) }
    }

    private mutating func turn() {
        repeat {
            wheel.advance(into: &fallen)
            for entry in fallen { file(entry) }
            fallen.removeAll(keepingCapacity: true)
        } while due.isEmpty
    }
}
