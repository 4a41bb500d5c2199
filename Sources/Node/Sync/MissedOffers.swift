internal import Cryptography
internal import Market
internal import OrderedCollections
internal import Primitives

/// Providers whose presence speaks of offers that we do not hold.
///
/// The offers may be a moment behind their presence, so each waits a little before somebody is asked.
struct MissedOffers: Sendable {
    private var due: OrderedDictionary<Ed25519.PublicKey, (marketClass: MarketClass, at: Instant)> = [:]

    /// Noted in the order of time, so the first is due first.
    var nextDeadline: Instant? { due.values.first?.at }

    mutating func note(_ provider: Ed25519.PublicKey, _ marketClass: MarketClass, dueAt: Instant) {
        guard due[provider] == nil, due.count < SyncLimits.lackCountMax else { return }
        due[provider] = (marketClass, dueAt)
    }

    /// Those whose wait is over, each once.
    mutating func takeDue(at now: Instant) -> [(provider: Ed25519.PublicKey, marketClass: MarketClass)] {
        var taken: [(provider: Ed25519.PublicKey, marketClass: MarketClass)] = []
        while let first = due.elements.first, first.value.at <= now {
            taken.append((first.key, first.value.marketClass))
            due.removeFirst()
        }
        return taken
    }
}
