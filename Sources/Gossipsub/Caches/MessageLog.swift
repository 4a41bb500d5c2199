internal import DequeModule
internal import Primitives

/// The messages that were judged lately, so that none is judged, delivered or forwarded twice, and of those of the last heartbeats
/// all that IHAVE may name and IWANT may ask for (gossipsub 1.0, "Message Cache").
///
/// One list in the order of the verdicts, of which two lengths are kept. For minutes a message is known by the keyed hash of its id and
/// topic alone, 62 bits that nobody outside the process can steer: sixteen bytes, and four for finding it. Only the youngest have the rest,
/// which is what their time is asked about: their bytes, and who brought them.
///
/// A message enters by a verdict alone (accept, reject, final ignore), never by a drop for a full queue.
struct MessageLog: Sendable {
    enum Verdict: UInt64, Sendable { case accepted, rejected, ignored }

    struct Limits: Sendable {
        /// How long a judged message is known, and how many are.
        var timeToLive: Duration
        var countMax: Int
        /// Heartbeats for which bytes are kept, and the newest of them that are gossiped about.
        var windowCount: Int
        var gossipWindowCount: Int
        /// Bounds beside time: a burst must not hold memory for all windows; the oldest message gives way.
        var cachedCountMax: Int
        var cachedByteCountMax: Int
    }

    /// What a minute-old message still is.
    private struct Name: Sendable {
        /// The verdict in the two bits above the hash.
        private let word: UInt64
        let since: Instant

        init(_ key: MessageKey, _ verdict: Verdict, since: Instant) {
            word = key.hash | verdict.rawValue << UInt64(MessageKey.hashBitCount)
            self.since = since
        }

        var hash: UInt64 { word & (1 << UInt64(MessageKey.hashBitCount) - 1) }
        var verdict: Verdict { Verdict(rawValue: word >> UInt64(MessageKey.hashBitCount)) ?? .ignored }
    }

    /// What a young message is besides.
    private struct Detail: Sendable {
        let id: MessageID
        /// Who brought a copy, while that still counts (score component P3).
        var deliverers: PlaceSet
        /// Whom it was named to, and who named it.
        var told = PlaceSet()
        /// Only of accepted messages, and only while the bounds allow it.
        var message: WireMessage?
        /// How often it was sent to whom because of an IWANT.
        var transmissions: [(place: PeerPlace, count: Int)] = []
    }

    /// Another copy of a judged message.
    struct Copy {
        let verdict: Verdict
        let since: Instant
        /// Whether its bringer brought none before; only asked of accepted messages that are young.
        let isFirst: Bool
    }

    let limits: Limits
    private var names: Deque<Name> = []
    /// The number of the oldest name; numbers are given in the order of the verdicts.
    private var firstNumber = 0
    private var index = NumberIndex()
    /// Of the youngest names, ending where the names end.
    private var details: Deque<Detail> = []
    /// Finds those of them that still have their message by the id alone: IWANT names no topic, and asks for what was never here, too.
    private var askable = NumberIndex()
    /// The number at which each kept heartbeat began, the newest last.
    private var windowStarts: [Int] = [0]
    /// The oldest number whose message may still be there.
    private var firstCached = 0
    private(set) var cachedCount = 0
    private(set) var cachedByteCount = 0
    /// Hashes of the youngest names, each at its number modulo their count.
    ///
    /// Nearly all copies come soon after the first one, and here they are found in one line of memory, the table takes several.
    private var youngest = InlineArray<16, UInt32>(repeating: 0)

    init(limits: Limits) {
        precondition(limits.countMax > 0 && (1...limits.windowCount).contains(limits.gossipWindowCount))
        self.limits = limits
    }

    /// Judged messages that are known.
    var count: Int { names.count }

    private var endNumber: Int { firstNumber + names.count }
    private var firstDetailed: Int { endNumber - details.count }

    // MARK: Finding

    func contains(_ key: MessageKey) -> Bool { offset(of: key) != nil }

    /// Where the key stands among the names.
    private func offset(of key: MessageKey) -> Int? {
        let short = Self.short(key.hash)
        for age in 0..<min(youngest.count, names.count) {
            let offset = names.count - 1 - age
            if youngest[(firstNumber + offset) % youngest.count] == short && names[offset].hash == key.hash {
                return offset
            }
        }
        return index.find(key.hash, first: firstNumber) { names[$0].hash == key.hash }
    }

    /// The upper half, since the index goes by the lower one.
    private static func short(_ hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 30) }

    private func detailIndex(_ offset: Int) -> Int? {
        let index = offset - (names.count - details.count)
        return index >= 0 ? index : nil
    }

    // MARK: Verdicts

    /// Remembers a verdict from `now` on, and an accepted message with it; the oldest gives way when the log is full.
    mutating func insert(
        _ key: MessageKey,
        _ verdict: Verdict,
        _ message: WireMessage? = nil,
        deliverers: PlaceSet = PlaceSet(),
        at now: Instant
    ) {
        guard offset(of: key) == nil else { return }
        if names.count == limits.countMax { removeFirst() }
        var detail = Detail(id: key.id, deliverers: deliverers)
        if let message, case let added = message.fieldByteCount, added <= limits.cachedByteCountMax {
            while cachedCount == limits.cachedCountMax || cachedByteCount + added > limits.cachedByteCountMax {
                dropOldestMessage()
            }
            detail.message = message
            cachedCount += 1
            cachedByteCount += added
        }
        let number = endNumber
        let name = Name(key, verdict, since: now)
        names.append(name)
        details.append(detail)
        index.insert(number, name.hash, first: firstNumber) { [names] in names[$0].hash }
        youngest[number % youngest.count] = Self.short(key.hash)
        guard detail.message != nil else { return }
        askable.insert(number, key.id.keyedHash, first: firstDetailed) { [details] in details[$0].id.keyedHash }
    }

    /// Notes that a peer brought a copy; `nil` of a message that is not judged.
    mutating func noteCopy(of key: MessageKey, from place: PeerPlace) -> Copy? {
        guard let offset = offset(of: key) else { return nil }
        let (verdict, since) = (names[offset].verdict, names[offset].since)
        var isFirst = false
        if verdict == .accepted, let detail = detailIndex(offset) {
            isFirst = details[detail].deliverers.insert(place)
        }
        return Copy(verdict: verdict, since: since, isFirst: isFirst)
    }

    /// The peer at this place left, and another one may come to it.
    mutating func forget(_ place: PeerPlace) {
        for index in details.indices {
            details[index].deliverers.remove(place)
            details[index].told.remove(place)
            details[index].transmissions.removeAll { $0.place == place }
        }
    }

    // MARK: Gossip

    /// Notes that the peer at `place` says that it has a message, and gives whether the message was judged here.
    mutating func noteHolder(of key: MessageKey, at place: PeerPlace) -> Bool {
        guard let offset = offset(of: key) else { return false }
        if let detail = detailIndex(offset) { details[detail].told.insert(place) }
        return true
    }

    /// What is to be named of `topic` to the peer at `place`, drawn at random if it is more than `countMax`; of this heartbeat alone, or of
    /// all that are gossiped about.
    ///
    /// Whoever brought or named a message has it, and whoever was told of it once can ask for it. So of two peers one tells the other, and
    /// once, where else both would in every heartbeat of the window.
    mutating func takeIDs(
        of topic: Topic,
        for place: PeerPlace,
        ofThisHeartbeat isFresh: Bool = false,
        countMax: Int,
        using random: inout SeededRandom
    ) -> [MessageID] {
        let untold = (isFresh ? freshRange : gossipRange).filter { index in
            guard let message = details[index].message, message.topic == topic else { return false }
            return !details[index].deliverers.contains(place) && !details[index].told.contains(place)
        }
        return (untold.count <= countMax ? untold : random.sample(untold, countMax)).map { index in
            details[index].told.insert(place)
            return details[index].id
        }
    }

    /// Whether anything at all could be gossiped about.
    var hasGossip: Bool { gossipRange.contains { details[$0].message != nil } }

    private var freshRange: Range<Int> {
        max(0, windowStarts[windowStarts.count - 1] - firstDetailed)..<details.count
    }

    private var gossipRange: Range<Int> {
        let start = windowStarts[max(0, windowStarts.count - limits.gossipWindowCount)]
        return max(0, start - firstDetailed)..<details.count
    }

    /// The message for an IWANT of the peer at `place` and how often it has now been sent to it.
    ///
    /// Of one id under several topics that of the lowest rank, then the oldest; none of a topic without a rank.
    mutating func transmission(
        of id: MessageID,
        to place: PeerPlace,
        rank: (Topic) -> Int?
    ) -> (message: WireMessage, count: Int)? {
        var best: (rank: Int, index: Int)?
        _ = askable.find(id.keyedHash, first: firstDetailed) { index in
            if details[index].id == id, let rank = details[index].message.flatMap({ rank($0.topic) }),
                best.map({ (rank, index) < $0 }) ?? true
            {
                best = (rank, index)
            }
            return false
        }
        guard let index = best?.index, let message = details[index].message else { return nil }
        guard let known = details[index].transmissions.firstIndex(where: { $0.place == place }) else {
            details[index].transmissions.append((place, 1))
            return (message, 1)
        }
        details[index].transmissions[known].count += 1
        return (message, details[index].transmissions[known].count)
    }

    // MARK: Time

    /// A heartbeat passed: what is older than the windows loses all but its name.
    mutating func shift() {
        windowStarts.append(endNumber)
        guard windowStarts.count > limits.windowCount else { return }
        windowStarts.removeFirst()
        while !details.isEmpty, firstDetailed < windowStarts[0] { removeFirstDetail() }
    }

    mutating func expire(at now: Instant) {
        while let oldest = names.first?.since, oldest.advanced(by: limits.timeToLive) <= now { removeFirst() }
    }

    private mutating func removeFirst() {
        if details.count == names.count { removeFirstDetail() }
        guard let oldest = names.first else { return }
        index.remove(firstNumber, oldest.hash, first: firstNumber) { [names] in names[$0].hash }
        names.removeFirst()
        firstNumber += 1
    }

    private mutating func dropOldestMessage() {
        firstCached = max(firstCached, firstDetailed)
        while firstCached < endNumber {
            let index = firstCached - firstDetailed
            firstCached += 1
            if dropMessage(at: index) { return }
        }
    }

    private mutating func removeFirstDetail() {
        guard !details.isEmpty else { return }
        dropMessage(at: 0)
        details.removeFirst()
    }

    /// Whether there was one.
    @discardableResult
    private mutating func dropMessage(at index: Int) -> Bool {
        guard let message = details[index].message else { return false }
        let (hash, number) = (details[index].id.keyedHash, firstDetailed + index)
        askable.remove(number, hash, first: firstDetailed) { [details] in details[$0].id.keyedHash }
        details[index].message = nil
        cachedCount -= 1
        cachedByteCount -= message.fieldByteCount
        return true
    }

    func checkInvariants() {
        assert(names.count == index.count && names.count <= limits.countMax && details.count <= names.count)
        assert(windowStarts.count <= limits.windowCount)
        assert(
            cachedCount == askable.count && cachedCount <= details.count && (cachedCount > 0 || cachedByteCount == 0)
        )
        assert(cachedCount <= limits.cachedCountMax && cachedByteCount <= limits.cachedByteCountMax)
        // The ends alone: floods call this for every message.
        for offset in Array(names.indices.prefix(2)) + names.indices.suffix(2) {
            assert(index.find(names[offset].hash, first: firstNumber) { $0 == offset } == offset)
        }
    }
}
