internal import Identity
public import Market
public import Node

// What went wrong, for people.

extension StoreFailure {
    public var sentence: String {
        switch self {
        case .diskFull: "the disk is full"
        case .inputOutput(let reason): reason
        case .corrupt(let reason): "a file is damaged: \(reason)"
        case .newerVersion(let number): "a newer version of rialto wrote it (schema \(number))"
        case .locked: "another process holds it"
        case .readOnly: "it is read-only"
        }
    }
}

extension RecordError {
    public var sentence: String {
        switch self {
        case .outOfBounds(let field): "\(field) is out of bounds"
        case .text(let field): "\(field) is no allowed text"
        case .missing(let field): "\(field) is missing"
        case .contradiction(let field): "\(field) contradicts the rest"
        case .unsorted(let field): "\(field) is not in order, or has something twice"
        case .tooLong: "it is too long"
        case .envelope(.tooLong): "it is longer than any signed envelope"
        case .envelope: "it is no signed envelope"
        case .payloadType: "it is a signed envelope of something else than a record"
        case .malformed: "it is cut off, or its fields are broken"
        case .unknownBody(let number): "it is of a kind that this version does not know (\(number))"
        case .unknownValue(let field): "\(field) has a value that this version does not know"
        case .notCanonical: "it is written in another way than the one way there is"
        }
    }
}

extension RecordRejection {
    public var sentence: String {
        switch self {
        case .malformed(let error): error.sentence
        case .wrongNetwork: "it belongs to another network"
        case .wrongTopic: "it came on a topic that is not its own"
        case .badSignature: "the signature does not hold"
        }
    }
}

extension RecordDismissal {
    public var sentence: String {
        switch self {
        case .tooLong: "it is longer than any record"
        case .topicNotFollowed: "this node does not follow its topic"
        case .newerVersion(let error): "a later version may know it: \(error.sentence)"
        case .expired: "it has expired"
        case .early: "it was issued later than our clock"
        case .duplicate: "it is held already"
        case .stale: "a newer one of its subject is known"
        case .banned: "its author is shut out"
        case .verificationBudget: "too many signatures wait"
        case .authorQuota: "its author holds its share"
        case .segmentFull: "its segment is full"
        case .surplusRival: "two rivals of it are held already"
        case .knownConflict: "the conflict is known"
        case .forwardingRate: "its subject changes too often"
        }
    }
}

extension DeskRefusal {
    public var sentence: String { APIError(self).message }
}

extension BidFailure {
    public var sentence: String {
        switch self {
        case .refused(let refusal): "the provider refused: \(refusal.sentence)"
        case .wrongAward(let field): "the provider's award is not what was bid for (\(field)), so it was not accepted"
        case .slotTaken(let slot): "the provider awarded GPU \(slot), whose last lease is not over"
        case .noAnswer: "the provider did not answer in time"
        case .uncertain: "the award was accepted, and what came of it is not known yet: it may be a lease"
        case .clocksDiffer: "the clocks of this node and of the provider differ by more than two minutes"
        case .cancelled: "it was cancelled"
        case .notSigned(let refusal): "this node did not sign the bid: \(refusal.sentence)"
        case .notDurable: "the disk did not take it"
        case .invalid(let error): "no provider would read it: \(error.sentence)"
        case .tooManyBids: "too many bids are under way"
        }
    }
}

extension Refusal {
    public var sentence: String {
        switch code {
        case .malformed: "it is no bid, or not signed by who sent it"
        case .unknownOffer: "it has no such offer any more"
        case .wrongUnit: "the offer is in another unit"
        case .priceTooLow: "the price is too low"
        case .noFreeSlots: "not as many GPUs are free"
        case .durationOutOfBounds: "the offer does not take leases of this length"
        case .expired: "the bid or its award has ended"
        case .blocked: "it does not deal with this node"
        case .awardOpen: "another award to this node or its network is open"
        case .coolingDown: "the last award was not accepted in time"
        case .strangersFull: "what newcomers may hold is held"
        case .tooManyBids: "too many bids wait there"
        case .notDurable: "its disk did not take the award"
        case .outbid: "somebody else bid more"
        case .termsRefused: "it cannot open the terms, or will not run them"
        case .badAcceptance: "the acceptance is not ours over this award"
        case .shuttingDown: "it is stopping"
        }
    }
}
