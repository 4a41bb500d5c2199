public import Cryptography

/// What two parties say about one lease, taken together.
public struct LeaseView: Hashable, Sendable {
    public let standing: LeaseStanding
    /// Why the provider closed it, if it did.
    public let providerCode: CloseCode?
    /// Why the renter closed it, if it did.
    public let renterCode: CloseCode?

    /// Closed if either closed it; else suspended if either's newest word says so; else active if the provider's does; else
    /// reserved.
    ///
    /// Words of anybody else, about another lease, or with another provider do not count. The records' signatures must hold.
    public init(of lease: LeaseBody, states: [SignedRecord]) {
        var newest: [Bool: (sequence: UInt64, standing: LeaseStanding)] = [:]
        var codes: [Bool: CloseCode] = [:]
        for record in states {
            guard case .leaseState(let state) = record.record.body, state.lease == lease.lease,
                state.provider == lease.provider, record.author == lease.provider || record.author == lease.renter
            else { continue }
            let isProvider = record.author == lease.provider
            if let code = state.code {
                // Of two closes by one party, which only an accident makes, the lower code stands for both.
                codes[isProvider] = codes[isProvider].map { min($0, code) } ?? code
            } else if record.record.sequence > newest[isProvider]?.sequence ?? 0 {
                newest[isProvider] = (record.record.sequence, state.standing)
            }
        }
        (providerCode, renterCode) = (codes[true], codes[false])
        if !codes.isEmpty {
            standing = .closed
        } else if newest.values.contains(where: { $0.standing == .suspended }) {
            standing = .suspended
        } else {
            standing = newest[true]?.standing == .active ? .active : .reserved
        }
    }
}

extension RecordBook {
    /// What the book's records say about a lease that it holds; `nil` if it holds none or a conflict hides it.
    public func view(of lease: LeaseID, with provider: Ed25519.PublicKey) -> LeaseView? {
        guard case .lease(let accepted)? = current(.lease(lease, of: provider))?.record.body else { return nil }
        let parties = [provider, accepted.body.renter]
        let states = parties.flatMap { party in
            [false, true].compactMap { isClose in
                current(.leaseState(of: lease, with: provider, isClose: isClose, by: party))
            }
        }
        return LeaseView(of: accepted.body, states: states)
    }
}
