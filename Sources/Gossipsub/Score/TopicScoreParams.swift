/// Why a set of score parameters is refused.
public enum ScoreParamsError: Error, Hashable, Sendable {
    /// The named parameter is not a finite number, or has the wrong sign or range.
    case outOfRange(String)
    /// A peer could be silent in one mesh for ever and let its merits elsewhere pay for it.
    case silencePays
}

/// What a peer earns and loses in one topic (gossipsub 1.1, "Topic Parameter Calculation").
///
/// Decays are factors per score interval of one second.
public struct TopicScoreParams: Hashable, Sendable {
    public var weight = 1.0

    /// P1: time in the mesh, in quanta, up to a cap.
    public var timeInMeshWeight = 0.01
    public var timeInMeshQuantum = Duration.seconds(1)
    public var timeInMeshCap = 300.0

    /// P2: messages that the peer brought first.
    public var firstDeliveriesWeight = 0.1
    public var firstDeliveriesDecay = Decay.over120Seconds
    public var firstDeliveriesCap = 100.0

    /// P3: the square of what a mesh peer delivered too little, once it is `meshDeliveriesActivation` in the mesh.
    ///
    /// The threshold is the smaller of `meshDeliveriesThreshold` and `meshDeliveriesShare` of the mesh's median, and the component
    /// is off while the topic itself moves less than `meshDeliveriesRateMin` messages a second: a quiet topic says nothing
    /// about its peers.
    public var meshDeliveriesWeight = -3.0
    public var meshDeliveriesDecay = Decay.over120Seconds
    public var meshDeliveriesCap = 100.0
    public var meshDeliveriesThreshold = 5.0
    public var meshDeliveriesShare = 0.25
    public var meshDeliveriesRateMin = 2.0
    public var meshDeliveriesActivation = Duration.seconds(120)
    /// How long after the verdict a further copy still counts as delivered.
    public var meshDeliveriesWindow = Duration.seconds(2)

    /// P3b: the deficit that a peer had when it was pruned sticks for a while.
    public var meshFailureWeight = -3.0
    public var meshFailureDecay = Decay.overOneHour

    /// P4: the square of the number of rejected messages.
    public var invalidWeight = -40.0
    public var invalidDecay = Decay.overOneHour

    public init() {}

    /// The loss of a peer that delivers nothing to a mesh: what every merit must stay below.
    var silencePenalty: Double {
        -weight * meshDeliveriesWeight * meshDeliveriesThreshold * meshDeliveriesThreshold
    }

    func validate() throws(ScoreParamsError) {
        try require(weight >= 0, "weight")
        try require(timeInMeshWeight >= 0, "timeInMeshWeight")
        try require(timeInMeshQuantum > .zero, "timeInMeshQuantum")
        try require(timeInMeshCap >= 0, "timeInMeshCap")
        try require(firstDeliveriesWeight >= 0, "firstDeliveriesWeight")
        try require(firstDeliveriesCap >= 0, "firstDeliveriesCap")
        try require(meshDeliveriesWeight <= 0, "meshDeliveriesWeight")
        try require(meshDeliveriesThreshold > 0, "meshDeliveriesThreshold")
        try require(meshDeliveriesCap >= meshDeliveriesThreshold, "meshDeliveriesCap")
        try require((0...1).contains(meshDeliveriesShare), "meshDeliveriesShare")
        try require(meshDeliveriesRateMin >= 0, "meshDeliveriesRateMin")
        try require(meshDeliveriesActivation >= .zero, "meshDeliveriesActivation")
        try require(meshDeliveriesWindow >= .zero, "meshDeliveriesWindow")
        try require(meshFailureWeight <= 0, "meshFailureWeight")
        try require(invalidWeight <= 0, "invalidWeight")
        for decay in [firstDeliveriesDecay, meshDeliveriesDecay, meshFailureDecay, invalidDecay] {
            try require(decay > 0 && decay < 1, "decay")
        }
        let numbers = [
            weight, timeInMeshWeight, timeInMeshCap, firstDeliveriesWeight, firstDeliveriesCap, meshDeliveriesWeight,
            meshDeliveriesCap, meshDeliveriesThreshold, meshFailureWeight, invalidWeight, meshDeliveriesRateMin,
        ]
        try require(numbers.allSatisfy(\.isFinite), "finite")
    }
}

/// Decay factors per second that leave one hundredth after a span: the span's root of 0.01.
public enum Decay {
    public static let over120Seconds = 0.9624
    public static let over10Minutes = 0.99235
    public static let overOneHour = 0.99872
    /// A counter below this is zero (gossipsub 1.1, "Parameter Decay").
    public static let zero = 0.01

    /// One interval later.
    static func applied(_ factor: Double, to value: Double) -> Double {
        let decayed = value * factor
        return decayed < zero ? 0 : decayed
    }
}

func require(_ condition: Bool, _ name: String) throws(ScoreParamsError) {
    guard condition else { throw .outOfRange(name) }
}
