internal import Cryptography
internal import Identity
internal import Primitives
internal import Swarm

/// Where bans come from: the operator's commands, which the node keeps, and the settings, which are told again at every start.
struct BanBook: Sendable {
    /// The name under which the store keeps the operator's bans.
    static let factName = "bans"

    private var own: BanList
    private var configured: [Ban]
    private var allowed: [BanTarget]
    /// What the swarm is told, and what records are judged by.
    private(set) var effective = BanList()

    init(stored bytes: [UInt8], configured: [Ban], allowed: [BanTarget]) {
        own = BanList()
        (self.configured, self.allowed) = (configured, allowed)
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            // What a later version wrote is not ours to judge: left out, and gone with the next change.
            if let ban = Self.ban(line) { _ = own.add(ban) }
        }
        combine()
    }

    var ownBans: [Ban] { own.all }
    var configuredBans: [Ban] { configured }

    private mutating func combine() {
        effective = own
        for ban in configured { _ = effective.add(ban) }
        effective.allow(allowed)
    }

    /// Whether a ban names the peer whose key this is: then nothing that it has signed is taken, whoever brings it.
    ///
    /// Bans of networks say nothing of authors: a record does not tell where it was written.
    func shutsOut(_ author: Ed25519.PublicKey, at unixMilliseconds: Int64) -> Bool {
        effective.namesPeers && shutsOut(PeerID(publicKey: author), at: unixMilliseconds)
    }

    func shutsOut(_ author: PeerID, at unixMilliseconds: Int64) -> Bool {
        effective.namesPeers && effective.ban(of: author, at: nil, unixMilliseconds: unixMilliseconds) != nil
    }

    /// What the store is told: a line for each ban, with target, end and reason.
    var stored: [UInt8] {
        Array(own.all.map { "\($0.target) \($0.until.map(String.init) ?? "-") \($0.reason)\n" }.joined().utf8)
    }

    mutating func add(_ ban: Ban, at unixMilliseconds: Int64) -> Bool {
        _ = own.expire(at: unixMilliseconds)
        defer { combine() }
        return own.add(ban)
    }

    mutating func remove(_ target: BanTarget) -> Bool {
        defer { combine() }
        return own.remove(target)
    }

    mutating func configure(_ bans: [Ban], allowing targets: [BanTarget]) {
        (configured, allowed) = (bans, targets)
        combine()
    }

    private static func ban(_ line: Substring) -> Ban? {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count == 3, let target = BanTarget(String(words[0])) else { return nil }
        let until = words[1] == "-" ? nil : Int64(words[1])
        guard until != nil || words[1] == "-" else { return nil }
        return Ban(target, until: until, reason: String(words[2]))
    }
}
