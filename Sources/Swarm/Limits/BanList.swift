public import Identity
public import Primitives

/// One peer or network that the operator shuts out.
public struct Ban: Hashable, Sendable {
    /// A reason is a line for people, shown in lists.
    public static let reasonByteCountMax = 200

    public let target: BanTarget
    /// Unix time in milliseconds; `nil` stands for ever.
    public let until: Int64?
    public let reason: String

    /// `nil` if the reason is too long or holds control characters.
    public init?(_ target: BanTarget, until: Int64? = nil, reason: String = "") {
        guard reason.utf8.count <= Self.reasonByteCountMax,
            reason.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { return nil }
        (self.target, self.until, self.reason) = (target, until, reason)
    }

    public func isInForce(at unixMilliseconds: Int64) -> Bool { until.map { $0 > unixMilliseconds } ?? true }
}

/// Whom this node has nothing to do with, and whom it always has.
///
/// Only the operator writes it, never the network: a list that strangers could add to would be a weapon. What is allowed wins over
/// every ban, so that a wide ban cannot shut out one's own machines.
public struct BanList: Hashable, Sendable {
    /// More would be a firewall's work.
    public static let countMax = 1_024
    public static let allowedCountMax = 1_024

    private var bans = TargetIndex<Ban>()
    private var allowed = TargetIndex<Bool>()

    public init() {}

    /// In the order of their targets.
    public var all: [Ban] { bans.values.values.sorted { $0.target < $1.target } }

    public var count: Int { bans.count }

    /// Whether any ban names a peer, and not a network.
    public var namesPeers: Bool { bans.namesPeers }

    public subscript(target: BanTarget) -> Ban? { bans[target] }

    /// Adds a ban or replaces the one of the same target; `false` if there are too many.
    public mutating func add(_ ban: Ban) -> Bool {
        guard bans[ban.target] != nil || bans.count < Self.countMax else { return false }
        bans[ban.target] = ban
        return true
    }

    /// `false` if there was none.
    public mutating func remove(_ target: BanTarget) -> Bool {
        defer { bans[target] = nil }
        return bans[target] != nil
    }

    /// Forgets the bans whose time is over; says whether there were any.
    public mutating func expire(at unixMilliseconds: Int64) -> Bool {
        let over = bans.values.values.filter { !$0.isInForce(at: unixMilliseconds) }
        for ban in over { bans[ban.target] = nil }
        return !over.isEmpty
    }

    /// Replaces what is always let in; what is beyond the limit is left out.
    public mutating func allow(_ targets: [BanTarget]) {
        allowed = TargetIndex()
        for target in targets.prefix(Self.allowedCountMax) { allowed[target] = true }
    }

    /// The ban that meets a connection with `peer`, which may not be known yet, at `address`.
    ///
    /// Before a connection is read its peer is not known: who allows a peer inside a banned network allows its address as well.
    public func ban(of peer: PeerID?, at address: IPAddress?, unixMilliseconds: Int64) -> Ban? {
        if let peer, allowed[.peer(peer)] == true { return nil }
        if let address, !allowed.values(of: address).isEmpty { return nil }
        let found = (peer.flatMap { bans[.peer($0)] }.map { [$0] } ?? []) + (address.map { bans.values(of: $0) } ?? [])
        return found.first { $0.isInForce(at: unixMilliseconds) }
    }
}
