internal import OrderedCollections
internal import Primitives

/// What one peer did in one topic: the counters of P1 to P4.
struct TopicStats: Hashable, Sendable {
    /// Since when the peer is in our mesh; `nil` outside.
    var graftedAt: Instant?
    /// P1, as of the last refresh.
    var timeInMesh = Duration.zero
    var firstDeliveries = 0.0
    var meshDeliveries = 0.0
    /// Whether the peer is in the mesh for long enough to be measured by P3.
    var isMeasured = false
    var meshFailure = 0.0
    var invalid = 0.0

    var isBlank: Bool {
        graftedAt == nil && firstDeliveries == 0 && meshDeliveries == 0 && meshFailure == 0 && invalid == 0
    }

    /// How much less than `threshold` the peer delivered; 0 outside the mesh and before the activation.
    func deficit(below threshold: Double) -> Double {
        isMeasured && graftedAt != nil ? max(0, threshold - meshDeliveries) : 0
    }

    /// P1 and P2, weighted: the part that a cap applies to.
    func merit(_ params: TopicScoreParams) -> Double {
        var time = 0.0
        if graftedAt != nil { time = min(timeInMesh / params.timeInMeshQuantum, params.timeInMeshCap) }
        return params.weight * (params.timeInMeshWeight * time + params.firstDeliveriesWeight * firstDeliveries)
    }

    /// P3, P3b and P4, weighted: never above zero.
    func loss(_ params: TopicScoreParams, threshold: Double) -> Double {
        let deficit = deficit(below: threshold)
        return params.weight
            * (params.meshDeliveriesWeight * deficit * deficit + params.meshFailureWeight * meshFailure
                + params.invalidWeight * invalid * invalid)
    }

    mutating func decay(_ params: TopicScoreParams, at now: Instant) {
        firstDeliveries = Decay.applied(params.firstDeliveriesDecay, to: firstDeliveries)
        meshDeliveries = Decay.applied(params.meshDeliveriesDecay, to: meshDeliveries)
        meshFailure = Decay.applied(params.meshFailureDecay, to: meshFailure)
        invalid = Decay.applied(params.invalidDecay, to: invalid)
        if let graftedAt {
            timeInMesh = graftedAt.duration(to: now)
            if timeInMesh >= params.meshDeliveriesActivation { isMeasured = true }
        }
    }

    mutating func enterMesh(at now: Instant) {
        (graftedAt, timeInMesh, isMeasured, meshDeliveries) = (now, .zero, false, 0)
    }

    /// Leaves the mesh; what was owed by then sticks (P3b).
    mutating func leaveMesh(threshold: Double) {
        let owed = deficit(below: threshold)
        meshFailure += owed * owed
        (graftedAt, timeInMesh, isMeasured) = (nil, .zero, false)
    }
}

/// What one peer did altogether.
struct PeerStats: Hashable, Sendable {
    var topics: OrderedDictionary<Topic, TopicStats> = [:]
    var applicationScore = 0.0
    var isPinned = false
    var misbehaviour = 0.0
    /// Whose address it shares; `nil` for exempt addresses.
    var group: ColocationGroup?
}

/// Addresses that probably belong to one host or customer: an IPv4 address or an IPv6 /56.
struct ColocationGroup: Hashable, Sendable {
    private let prefix: [UInt8]

    /// `nil` for homes, laboratories and tests: the one policy that exempts loopback, private and link-local addresses.
    init?(_ address: IPAddress) {
        guard !address.isExemptFromNetworkLimits else { return nil }
        let bytes = address.unmapped.bytes
        prefix = bytes.count == 4 ? bytes : Array(bytes.prefix(7))
    }
}
