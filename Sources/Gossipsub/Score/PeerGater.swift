internal import Identity
internal import OrderedCollections
internal import Primitives

/// Random early drop of messages while we drown in validations (gossipsub 1.1 implementations' "peer gater").
///
/// It is asleep until the share of messages that found the validation queue full passes a ratio, and again a minute after the last one
/// did. Awake, it lets a peer's messages pass with the probability (1 + good) / (1 + good + weighted bad), so that whoever
/// brought most of the useless load loses most. Control messages always pass. Weights and times are gossipsub 1.1's.
struct PeerGater: Sendable {
    private struct Tally: Sendable {
        var delivered = 0.0
        var duplicate = 0.0
        var ignored = 0.0
        var rejected = 0.0

        mutating func decay() {
            delivered = Decay.applied(Decay.overOneHour, to: delivered)
            duplicate = Decay.applied(Decay.overOneHour, to: duplicate)
            ignored = Decay.applied(Decay.overOneHour, to: ignored)
            rejected = Decay.applied(Decay.overOneHour, to: rejected)
        }
    }

    static let dropRatio = 0.33
    static let quiet = Duration.seconds(60)
    static let duplicateWeight = 0.125
    static let ignoredWeight = 1.0
    static let rejectedWeight = 16.0
    /// Departed peers keep their tally for six hours, at most so many; the oldest gives way.
    static let retention = Duration.seconds(6 * 3600)
    static let departedCountMax = 1024

    private var tallies: OrderedDictionary<PeerID, Tally> = [:]
    private var departed: OrderedDictionary<PeerID, Instant> = [:]
    private var validated = 0.0
    private var dropped = 0.0
    private var lastDrop: Instant?

    mutating func connect(_ peer: PeerID) {
        departed[peer] = nil
        if tallies[peer] == nil { tallies[peer] = Tally() }
    }

    mutating func disconnect(_ peer: PeerID, at now: Instant) {
        guard tallies[peer] != nil else { return }
        if departed.count == Self.departedCountMax { tallies[departed.removeFirst().key] = nil }
        departed[peer] = now.advanced(by: Self.retention)
    }

    mutating func noteValidated() { validated += 1 }

    mutating func noteDropped(at now: Instant) {
        dropped += 1
        lastDrop = now
    }

    mutating func noteDelivered(_ peer: PeerID) { tallies[peer]?.delivered += 1 }
    mutating func noteDuplicate(_ peer: PeerID) { tallies[peer]?.duplicate += 1 }

    /// The same, of a peer that probably stands at this place: nobody does once a peer has come back.
    mutating func noteDuplicate(_ peer: PeerID, near index: Int) {
        guard index < tallies.count && tallies.keys[index] == peer else { return noteDuplicate(peer) }
        tallies.values[index].duplicate += 1
    }

    mutating func noteIgnored(_ peer: PeerID) { tallies[peer]?.ignored += 1 }
    mutating func noteRejected(_ peer: PeerID) { tallies[peer]?.rejected += 1 }

    /// Whether the messages of the peer's RPC may enter.
    func lets(_ peer: PeerID, at now: Instant, random: inout SeededRandom) -> Bool {
        guard let lastDrop, lastDrop.advanced(by: Self.quiet) > now, dropped > 0 else { return true }
        guard validated == 0 || dropped / validated >= Self.dropRatio, let tally = tallies[peer] else { return true }
        let bad = Self.duplicateWeight * tally.duplicate + Self.ignoredWeight * tally.ignored
        let useless = bad + Self.rejectedWeight * tally.rejected
        return random.unit() < (1 + tally.delivered) / (1 + tally.delivered + useless)
    }

    /// One second passed.
    mutating func decay(at now: Instant) {
        validated = Decay.applied(Decay.over120Seconds, to: validated)
        dropped = Decay.applied(Decay.over120Seconds, to: dropped)
        for index in tallies.values.indices { tallies.values[index].decay() }
        while let oldest = departed.elements.first, oldest.value <= now {
            departed.removeFirst()
            tallies[oldest.key] = nil
        }
    }
}
