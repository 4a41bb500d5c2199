/// The sequence numbers of one author: each is max(last + 1, now in milliseconds), and none is used before a block that contains it
/// is durable.
///
/// Blocks spare a write for each number: after a crash the author goes on above the block, never inside it.
struct SequenceReservation: Hashable, Sendable {
    /// Ten minutes' worth of milliseconds: a crash skips at most as much.
    static let block: UInt64 = 600_000

    private(set) var last: UInt64
    /// The highest number that is durable.
    private(set) var reserved: UInt64

    /// Goes on above everything that was reserved before.
    init(reserved: UInt64) {
        last = reserved
        self.reserved = reserved
    }

    /// The next number; the caller makes `blockToReserve` durable before anything with this number leaves.
    mutating func next(unixMilliseconds: Int64) -> UInt64 {
        last = max(last + 1, UInt64(clamping: unixMilliseconds))
        return last
    }

    /// What must become durable before `last` may be used; `nil` if it is covered.
    var blockToReserve: UInt64? {
        last > reserved ? min(last + Self.block, Record.Bounds.sequenceMax) : nil
    }

    mutating func reserve(upTo number: UInt64) {
        reserved = max(reserved, number)
    }

    /// Goes above a number that somebody showed to be ours.
    mutating func raise(above number: UInt64) {
        last = max(last, min(number, Record.Bounds.sequenceMax - 1))
    }
}
