internal import Primitives

/// The bounds of bids and leases in a node, each with its reason.
enum LeaseLimits {
    /// Peers with whom something is under way: more than a node has connections.
    static let peerCountMax = 1_024
    /// Streams that one peer may open: one would do, and a reconnecting peer has two for a moment.
    static let inboundPerPeerMax = 4
    /// Questions that wait until their peer is reached.
    static let waitingCountMax = 64
    /// Questions of ours on one stream that have no answer yet; a renter's bids at a provider, and room.
    static let awaitingCountMax = 1_024
    /// Questions of others that have no answer yet, bids that wait for their turn; beyond, the oldest are forgotten and asked again.
    static let conversationCountMax = 8_192
    /// Of those, one peer's: a renter's bids, and room.
    static let conversationsPerPeerMax = 512
    /// What one peer may ask at once, and how soon it earns another question: a signature is checked for most.
    static let questionBurst = 1_024
    static let questionInterval = Duration.milliseconds(4)
    /// A stream on which nothing was said for so long is closed; running leases say something every meter interval.
    static let idleTimeout = Duration.seconds(600)
    /// How soon an unanswered duty is asked again; doubling.
    static let dutyRetryMin = Duration.seconds(2)
    /// The counterparty may be away for days; dialling it is cheap.
    static let dutyRetryMax = Duration.seconds(300)
    /// After a failed write or signature.
    static let retryInterval = Duration.seconds(2)
    /// How long a receipt waits for the program that settles, to name what its rail calls it: longer than a hook may usually take.
    static let settlementWait = Duration.seconds(90)
    /// How long a provider waits for the last voucher before it signs the receipt.
    static let settleTimeout = Duration.seconds(20)
    /// How soon a lease that is over is shown again to a party that seems not to know its end.
    static let showInterval = Duration.seconds(10)
    /// How long after its end a lease's programs may not have been called yet: they queue, and each may take an hour.
    static let hookMilliseconds: Int64 = 2 * 3_600_000
    /// A lease that is not ready by then is no use.
    static let readyMilliseconds: Int64 = 30 * 60_000
    /// A renter closes a lease whose end came without the provider's word.
    static let endSlackMilliseconds: Int64 = 60_000
    /// How long it is asked what came of a bid.
    static let recoveryMilliseconds: Int64 = 3_600_000
    /// Leases that we accepted and gave up: each cost us a bid, and its provider an award.
    static let renouncedCountMax = 1_024
    /// Bids that wait until the peers have said what they know of us, a minute at most.
    static let heldBidCountMax = 256
    /// How often leases of the past are looked for.
    static let forgetInterval = Duration.seconds(3_600)
    /// Leases that are kept in memory, running or not; above it the oldest that are over go, or a provider takes no more bids.
    static let leaseCountMax = 16_384
    /// How many go at a time to make room: looking for them costs a walk over all.
    static let forgottenAtOnce = 1_024
    /// Bids that came to an end and are still listed.
    static let pastBidCountMax = 256
    /// What is free is told after things have settled: several bids come at a time.
    static let freeSlotsDelay = Duration.milliseconds(200)
    /// Peers pass on eight words about an offer at once and then one in ten seconds: half of that is the operator's.
    static let freeSlotsBurst = 4
    static let freeSlotsInterval = Duration.seconds(10)
    /// Private bids on requests that are open; of more the oldest is said no more.
    static let privateBidCountMax = 1_024
}
