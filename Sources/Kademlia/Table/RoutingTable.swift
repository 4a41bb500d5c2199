/// What a table holds at most.
public struct RoutingTableLimits: Hashable, Sendable {
    /// Contacts in a bucket: the replication parameter `k` (libp2p/specs, kad-dht: 20).
    public var bucketContactCountMax: Int
    /// Contacts of one IP group in the table and in a bucket: an attacker must own many networks (go-libp2p-kad-dht: 3 and 2).
    public var groupContactCountMax = 3
    public var bucketGroupContactCountMax = 2

    public init(bucketContactCountMax: Int = 20) {
        precondition((1...255).contains(bucketContactCountMax))
        self.bucketContactCountMax = bucketContactCountMax
    }
}

/// The contacts that a node knows, many near itself and few far away: k-buckets by the length of the common prefix.
///
/// A bucket is ordered by when its contacts were last seen, the longest unseen first. A full bucket never gives up a contact that
/// still answers (Maymounkov and Mazières, "Kademlia", 2002, §2.2): whoever was up for long will be up for long, and a newcomer
/// cannot flush the table. The table stores numbers; the keys stay in the owner's array.
public struct RoutingTable: Sendable {
    public enum Insertion: Hashable, Sendable {
        case added
        /// It was there; it counts as seen.
        case known
        /// The bucket has no place; this contact of it was not seen for the longest time.
        case bucketFull(leastRecentlySeen: ContactID)
        /// Too many of its network are here already.
        case groupFull
        /// Our own key has no bucket.
        case own
    }

    private struct Entry: Sendable {
        let contact: ContactID
        let group: IPGroup
    }

    public let own: KademliaKey
    public let limits: RoutingTableLimits
    /// All buckets, one behind the other.
    private var entries: [Entry] = []
    /// Where the buckets begin, and where the last one ends.
    private var starts: [UInt16] = [0]

    public init(own: KademliaKey, limits: RoutingTableLimits = RoutingTableLimits()) {
        self.own = own
        self.limits = limits
    }

    public var count: Int { entries.count }

    /// One more than the longest common prefix that was ever in the table.
    public var bucketCount: Int { starts.count - 1 }

    /// All contacts, the farthest buckets first.
    public var contacts: [ContactID] { entries.map(\.contact) }

    /// The contacts whose keys share exactly `bucket` leading bits with ours, the longest unseen first.
    public func contacts(inBucket bucket: Int) -> [ContactID] {
        entries[range(of: bucket)].map(\.contact)
    }

    public func contains(_ contact: ContactID, key: KademliaKey) -> Bool {
        position(of: contact, inBucket: own.commonPrefixLength(with: key)) != nil
    }

    /// Adds a contact that was proven to answer.
    public mutating func insert(_ contact: ContactID, key: KademliaKey, group: IPGroup = .exempt) -> Insertion {
        let bucket = own.commonPrefixLength(with: key)
        guard bucket < KademliaKey.bitCount else { return .own }
        if let position = position(of: contact, inBucket: bucket) {
            moveToEnd(position, inBucket: bucket)
            return .known
        }
        let range = range(of: bucket)
        guard hasRoom(for: group, inBucket: bucket) else { return .groupFull }
        guard range.count < limits.bucketContactCountMax else {
            return .bucketFull(leastRecentlySeen: entries[range.lowerBound].contact)
        }
        while bucketCount <= bucket { starts.append(UInt16(entries.count)) }
        entries.insert(Entry(contact: contact, group: group), at: Int(starts[bucket + 1]))
        for index in bucket + 1..<starts.count { starts[index] += 1 }
        return .added
    }

    /// Whether a newcomer of `group` would be taken into the bucket of `key`, were there a place.
    public func admits(_ group: IPGroup, key: KademliaKey) -> Bool {
        let bucket = own.commonPrefixLength(with: key)
        return bucket < KademliaKey.bitCount && hasRoom(for: group, inBucket: bucket)
    }

    /// Notes that a contact answered; no effect for one that is not here.
    public mutating func seen(_ contact: ContactID, key: KademliaKey) {
        let bucket = own.commonPrefixLength(with: key)
        guard let position = position(of: contact, inBucket: bucket) else { return }
        moveToEnd(position, inBucket: bucket)
    }

    /// Returns whether the contact was here.
    @discardableResult
    public mutating func remove(_ contact: ContactID, key: KademliaKey) -> Bool {
        let bucket = own.commonPrefixLength(with: key)
        guard let position = position(of: contact, inBucket: bucket) else { return false }
        entries.remove(at: position)
        for index in bucket + 1..<starts.count { starts[index] -= 1 }
        return true
    }

    /// Appends the contacts nearest to `target`, at most `count`, nearest first.
    ///
    /// The order of the buckets follows from our own distance alone: where we differ from the target in a bit, the contacts of that
    /// bucket are nearer than those of all later ones, where we agree they are farther. So only the buckets that are needed are
    /// looked at.
    public func closest(to target: KademliaKey, count: Int, keys: [KademliaKey], into found: inout [ContactID]) {
        let ownDistance = own.distance(to: target)
        let end = found.count + count
        for bucket in 0..<bucketCount where ownDistance.differs(inBit: bucket) {
            appendNearest(ofBucket: bucket, to: target, keys: keys, end: end, into: &found)
            if found.count == end { return }
        }
        for bucket in stride(from: bucketCount - 1, through: 0, by: -1) where !ownDistance.differs(inBit: bucket) {
            appendNearest(ofBucket: bucket, to: target, keys: keys, end: end, into: &found)
            if found.count == end { return }
        }
    }

    /// Inserts one bucket's contacts in order, and keeps no more than up to `end`.
    private func appendNearest(
        ofBucket bucket: Int,
        to target: KademliaKey,
        keys: [KademliaKey],
        end: Int,
        into found: inout [ContactID]
    ) {
        let start = found.count
        for index in range(of: bucket) {
            let contact = entries[index].contact
            let distance = keys[contact].distance(to: target)
            var position = found.count
            if position == end {
                guard position > start, distance < keys[found[position - 1]].distance(to: target) else { continue }
                position -= 1
            } else {
                found.append(contact)
            }
            while position > start, distance < keys[found[position - 1]].distance(to: target) {
                found[position] = found[position - 1]
                position -= 1
            }
            found[position] = contact
        }
    }

    private func range(of bucket: Int) -> Range<Int> {
        bucket < bucketCount ? Int(starts[bucket])..<Int(starts[bucket + 1]) : entries.count..<entries.count
    }

    private func position(of contact: ContactID, inBucket bucket: Int) -> Int? {
        range(of: bucket).first { entries[$0].contact == contact }
    }

    private func hasRoom(for group: IPGroup, inBucket bucket: Int) -> Bool {
        guard !group.isExempt else { return true }
        return entries.count { $0.group == group } < limits.groupContactCountMax
            && entries[range(of: bucket)].count { $0.group == group } < limits.bucketGroupContactCountMax
    }

    private mutating func moveToEnd(_ position: Int, inBucket bucket: Int) {
        let last = range(of: bucket).upperBound - 1
        guard position < last else { return }
        let entry = entries[position]
        for index in position..<last { entries[index] = entries[index + 1] }
        entries[last] = entry
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants(keys: [KademliaKey]) {
        precondition(Int(starts[starts.count - 1]) == entries.count && starts[0] == 0)
        for bucket in 0..<bucketCount {
            let members = entries[range(of: bucket)]
            precondition(members.count <= limits.bucketContactCountMax)
            for member in members {
                precondition(own.commonPrefixLength(with: keys[member.contact]) == bucket)
                guard !member.group.isExempt else { continue }
                precondition(members.count { $0.group == member.group } <= limits.bucketGroupContactCountMax)
                precondition(entries.count { $0.group == member.group } <= limits.groupContactCountMax)
            }
        }
    }
}
