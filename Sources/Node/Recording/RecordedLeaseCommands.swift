internal import Cryptography
internal import Market
internal import Primitives

/// What was asked about bids and leases.
extension RecordingWriter {
    mutating func leaseCommand(_ command: NodeCommand) {
        switch command {
        case .placeBid(let wish, let waits):
            number(21)
            self.wish(wish)
            flag(waits)
        case .bids: number(22)
        case .cancelBid(let bid):
            number(23)
            bytes(bid.bytes)
        case .leases: number(24)
        case .closeLease(let lease, let code):
            number(25)
            bytes(lease.bytes)
            count(code.rawValue)
        case .readyLease(let lease):
            number(26)
            bytes(lease.bytes)
        case .settleLease(let lease, let nonce, let outcome):
            number(46)
            bytes(lease.bytes)
            number(nonce ?? 0)
            settlement(outcome)
        case .credit: number(27)
        case .leasePolicy: number(28)
        case .setLeasePolicy(let policy):
            number(29)
            self.policy(policy)
        case .status, .peers, .connect, .disconnect, .snapshot, .look, .follow, .publishOffer, .updateOffer,
            .withdrawOffer, .ownOffers,
            .findRecords, .exportRecords, .importRecords, .resumeKey, .shutdown, .bans, .ban, .unban, .tune, .metrics,
            .dht, .proofs, .findStorefront, .attest, .publishRequest, .withdrawRequest, .acceptRequest, .requests:
            preconditionFailure("no command about leases")
        }
    }

    private mutating func settlement(_ outcome: Settlement.Outcome) {
        switch outcome {
        case .settled(let reference):
            flag(true)
            text(reference)
        case .failed(let complaint):
            flag(false)
            text(complaint)
        }
    }

    private mutating func wish(_ wish: BidWish) {
        bytes(wish.offer.provider.bytes)
        bytes(wish.offer.offer.bytes)
        list(wish.slots) { $0.signed(Int64($1)) }
        for value in [Int64(wish.count), wish.gpuHourMicros ?? 0, Int64(wish.durationSeconds), wish.exposureMicrosMax] {
            signed(value)
        }
        flag(wish.isPublic)
        flag(wish.gpuHourMicros != nil)
        list(wish.unit.map { [$0] } ?? []) { $0.text($1) }
        list(wish.gpuHourMicrosMax.map { [$0] } ?? []) { $0.signed($1) }
        signed(wish.patienceMilliseconds)
        list(wish.answerMilliseconds.map { [$0] } ?? []) { $0.signed($1) }
        text(wish.terms.image)
        for texts in [wish.terms.command, wish.terms.environment, wish.terms.accessKeys] { list(texts) { $0.text($1) } }
        list(wish.terms.ports) { $0.signed(Int64($1)) }
    }

    mutating func policy(_ policy: LeasePolicy) {
        let counter = policy.counter
        list(counter.floorMicros.sorted { $0.key < $1.key }) { writer, floor in
            writer.text(floor.key)
            writer.signed(floor.value)
        }
        signed(counter.exposureMicrosMax)
        list(counter.blockedPeers.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) }) { $0.bytes($1) }
        signed(counter.hold.milliseconds)
        signed(Int64(counter.meterSeconds))
        signed(counter.coolingDown.milliseconds)
        flag(policy.awaitsReady)
        flag(policy.bidsOnRequests)
    }
}

extension RecordingReader {
    mutating func leaseCommand(_ number: UInt64) throws(RecordingError) -> NodeCommand {
        switch number {
        case 21: return .placeBid(try wish(), waits: try flag())
        case 22: return .bids
        case 23:
            return .cancelBid(try checked { reader throws(RecordingError) in BidID(try reader.byteArray()) })
        case 24: return .leases
        case 25:
            let lease = try lease()
            let code = try count()
            return .closeLease(lease, try checked { _ throws(RecordingError) in CloseCode(rawValue: code) })
        case 26: return .readyLease(try lease())
        case 27: return .credit
        case 28: return .leasePolicy
        case 29: return .setLeasePolicy(try policy())
        case 46:
            let (lease, nonce) = (try lease(), try self.number())
            let outcome = try settlement()
            return .settleLease(lease, nonce: nonce == 0 ? nil : nonce, outcome)
        default: throw .senseless
        }
    }

    private mutating func settlement() throws(RecordingError) -> Settlement.Outcome {
        let isSettled = try flag()
        let words = try text()
        return isSettled ? .settled(reference: words) : .failed(complaint: words)
    }

    private mutating func lease() throws(RecordingError) -> LeaseID {
        try checked { reader throws(RecordingError) in LeaseID(try reader.byteArray()) }
    }

    private mutating func key() throws(RecordingError) -> Ed25519.PublicKey {
        try checked { reader throws(RecordingError) in Ed25519.PublicKey(try reader.byteArray()) }
    }

    private mutating func texts() throws(RecordingError) -> [String] {
        try list { reader throws(RecordingError) in try reader.text() }
    }

    private mutating func wholes() throws(RecordingError) -> [Int] {
        try list { reader throws(RecordingError) in try reader.whole() }
    }

    private mutating func wish() throws(RecordingError) -> BidWish {
        let provider = try key()
        let offer = try checked { reader throws(RecordingError) in OfferID(try reader.byteArray()) }
        let slots = try wholes()
        let (count, price, duration, exposure) = (try whole(), try signed(), try whole(), try signed())
        let (isPublic, hasPrice) = (try flag(), try flag())
        let unit = try texts().first
        let most = try list { reader throws(RecordingError) in try reader.signed() }.first
        let patience = try milliseconds().milliseconds
        let answer = try list { reader throws(RecordingError) in try reader.signed() }.first
        let image = try text()
        let (command, environment, accessKeys) = (try texts(), try texts(), try texts())
        let terms = LeaseTerms(
            image: image,
            command: command,
            environment: environment,
            ports: try wholes(),
            accessKeys: accessKeys
        )
        var wish = BidWish(
            offer: ListingID(provider: provider, offer: offer),
            count: count,
            gpuHourMicros: hasPrice ? price : nil,
            durationSeconds: duration,
            terms: terms
        )
        (wish.slots, wish.exposureMicrosMax, wish.isPublic) = (slots, exposure, isPublic)
        (wish.unit, wish.gpuHourMicrosMax, wish.patienceMilliseconds) = (unit, most, patience)
        wish.answerMilliseconds = answer
        return wish
    }

    mutating func policy() throws(RecordingError) -> LeasePolicy {
        var policy = LeasePolicy()
        let floors = try list { reader throws(RecordingError) in (try reader.text(), try reader.signed()) }
        policy.counter.floorMicros = Dictionary(floors) { $1 }
        policy.counter.exposureMicrosMax = try signed()
        policy.counter.blockedPeers = Set(try list { reader throws(RecordingError) in try reader.key() })
        policy.counter.hold = try milliseconds()
        policy.counter.meterSeconds = try whole()
        policy.counter.coolingDown = try milliseconds()
        policy.awaitsReady = try flag()
        policy.bidsOnRequests = try flag()
        return policy
    }

    private mutating func milliseconds() throws(RecordingError) -> Duration {
        let value = try signed()
        // No policy speaks of more than a year.
        guard (0...31_536_000_000).contains(value) else { throw .senseless }
        return .milliseconds(value)
    }
}
