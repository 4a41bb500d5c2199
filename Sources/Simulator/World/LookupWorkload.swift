internal import DequeModule
internal import Identity
internal import Primitives

/// What is looked up, and what waits to be.
struct LookupWorkload: Sendable {
    /// A key that a node has said it provides.
    struct Provided: Sendable {
        let key: [UInt8]
        let node: Int
        let at: Instant
    }

    /// Whose turn it is, and what is asked.
    var random: SimulationRandom
    /// Keys that nobody has looked for yet, oldest first.
    var provided: Deque<Provided> = []
    /// Keys so far.
    var keyCount: UInt64 = 0

    init(streams: RandomStreams) { random = streams.fast(.lookups) }
}

/// What a node was told to look up, and what its searches have cost so far.
struct LookupQuestion: Sendable {
    enum Sought: Sendable {
        case peer(Int)
        case closest([UInt8])
        /// To be provided, not found.
        case provision([UInt8])
        case provider(Int)
        case storefront(Int)

        /// The word in tables.
        var kind: String {
            switch self {
            case .peer: LookupPlan.Kind.findPeer.rawValue
            case .closest: LookupPlan.Kind.closest.rawValue
            case .provision: "provide"
            case .provider: LookupPlan.Kind.providers.rawValue
            case .storefront: LookupPlan.Kind.storefront.rawValue
            }
        }
    }

    let sought: Sought
    let at: Instant
    var hops = 0
    var requestCount = 0
    var failureCount = 0
}
