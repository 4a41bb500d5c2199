internal import DequeModule
internal import Identity

/// The messages of the last heartbeats: what IHAVE may name and IWANT may ask for (gossipsub 1.0, "Message Cache").
struct MessageCache: Sendable {
    /// Windows that are kept, and the newest of them that are gossiped about.
    let windowCount: Int
    let gossipWindowCount: Int
    /// Bounds beside time: a burst must not hold memory for all windows.
    ///
    /// The oldest message gives way.
    let countMax: Int
    let byteCountMax: Int

    private struct Entry: Sendable {
        let message: WireMessage
        let byteCount: Int
        var transmissions: [PeerID: Int] = [:]
    }

    /// One message id has several entries only when several topics carried the same data.
    private var entries: [MessageID: [Entry]] = [:]
    private var windows: Deque<Deque<MessageKey>> = [[]]
    private(set) var count = 0
    private(set) var byteCount = 0

    init(windowCount: Int, gossipWindowCount: Int, countMax: Int, byteCountMax: Int) {
        precondition((1...windowCount).contains(gossipWindowCount))
        self.windowCount = windowCount
        self.gossipWindowCount = gossipWindowCount
        self.countMax = countMax
        self.byteCountMax = byteCountMax
    }

    mutating func insert(_ key: MessageKey, _ message: WireMessage) {
        let added = message.fieldByteCount
        guard added <= byteCountMax, entries[key.id]?.contains(where: { $0.message.topic == key.topic }) != true else {
            return
        }
        while count == countMax || byteCount + added > byteCountMax { dropOldest() }
        entries[key.id, default: []].append(Entry(message: message, byteCount: added))
        windows[0].append(key)
        count += 1
        byteCount += added
    }

    /// The message for an IWANT of `peer` and how often it has now been sent to it, preferring the peer's own topics.
    mutating func transmission(
        of id: MessageID,
        to peer: PeerID,
        preferring isPreferred: (Topic) -> Bool
    ) -> (message: WireMessage, count: Int)? {
        guard let candidates = entries[id], !candidates.isEmpty else { return nil }
        let index = candidates.firstIndex { isPreferred($0.message.topic) } ?? 0
        let count = (candidates[index].transmissions[peer] ?? 0) + 1
        entries[id]?[index].transmissions[peer] = count
        return (candidates[index].message, count)
    }

    /// The ids that gossip about `topic` names, oldest window last.
    func gossipIDs(of topic: Topic) -> [MessageID] {
        windows.prefix(gossipWindowCount).flatMap { $0.lazy.filter { $0.topic == topic }.map(\.id) }
    }

    /// Whether anything at all could be gossiped about.
    var hasGossip: Bool { windows.prefix(gossipWindowCount).contains { !$0.isEmpty } }

    /// A heartbeat passed: opens a new window and forgets the oldest.
    mutating func shift() {
        windows.prepend([])
        guard windows.count > windowCount, let oldest = windows.popLast() else { return }
        for key in oldest { remove(key) }
    }

    private mutating func dropOldest() {
        for index in windows.indices.reversed() where !windows[index].isEmpty {
            remove(windows[index].removeFirst())
            return
        }
    }

    private mutating func remove(_ key: MessageKey) {
        guard let index = entries[key.id]?.firstIndex(where: { $0.message.topic == key.topic }) else { return }
        if let removed = entries[key.id]?.remove(at: index) {
            count -= 1
            byteCount -= removed.byteCount
        }
        if entries[key.id]?.isEmpty == true { entries[key.id] = nil }
    }

    func checkInvariants() {
        assert(windows.count <= windowCount && windows.reduce(0) { $0 + $1.count } == count)
        assert(count <= countMax && byteCount <= byteCountMax)
    }
}
