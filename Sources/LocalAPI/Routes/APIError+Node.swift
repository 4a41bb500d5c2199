internal import Identity
internal import Market
internal import Node
internal import Swarm

extension APIError {
    init(_ failure: NodeFailure) {
        switch failure {
        case .refused(let refusal): self.init(refusal)
        case .connect(let failure): self.init(.refused, "no connection: \(Self.sentence(failure))")
        case .noTable:
            self.init(
                .notFound,
                "this node takes no part in the hash table",
                hint: "start it with --dht on, or with dht: on in config.yaml"
            )
        case .notConnected: self.init(.notFound, "no such peer is connected")
        case .tooMany(let limit): self.init(.tooMany, "at most \(limit) at once")
        case .notBanned: self.init(.notFound, "no such ban", hint: "list them with: rialto ban list")
        case .senseless: self.init(.badRequest, "the settings contradict each other")
        case .notDurable(let failure): self.init(failure, "the disk did not take it, so nothing was done")
        case .inForceOnly(let failure): self.init(failure, "it is in force, but a restart will forget it")
        case .shuttingDown: self.init(.unavailable, "the node is stopping")
        case .unknownOffer: self.init(.notFound, "no such offer is known", hint: "list offers with: rialto search")
        case .unknownRequest:
            self.init(.notFound, "no such request of this node is open", hint: "list yours with: rialto request list")
        case .noFittingBid:
            self.init(
                .refused,
                "no bid on the request can be accepted now",
                hint: "see what each lacks: rialto request bids"
            )
        case .ownOffer:
            self.init(.refused, "the offer is this node's own", hint: "list those of others with: rialto search")
        case .priceChanged(let price):
            self.init(
                .refused,
                "the offer asks \(PriceUnit.amount(micros: price.gpuHourMicros)) \(price.unit) for one GPU and one hour now, which is not what you were shown",
                hint: "look again: rialto offer show; or name price and unit: --price, --unit"
            )
        case .ownKey:
            self.init(
                .badRequest,
                "that is this node itself, and nobody believes what a node says of itself",
                hint: "name another provider: rialto search shows who there is"
            )
        case .unknownBid: self.init(.notFound, "no such bid is under way", hint: "list yours with: rialto bid list")
        case .unknownLease: self.init(.notFound, "this node has no such lease", hint: "list them: rialto lease list")
        case .leaseClosed: self.init(.refused, "the lease is over", hint: "see: rialto lease show")
        case .nothingToSettle:
            self.init(
                .refused,
                "nothing is to be settled: the lease is not over, came to nothing, or is on credit",
                hint: "see: rialto lease show, rialto credit"
            )
        case .alreadySettled:
            self.init(.refused, "the lease is settled already", hint: "see under what name: rialto lease show")
        case .busy: self.init(.unavailable, "an earlier word on it is under way", hint: "try again in a moment")
        case .notOurs: self.init(.refused, "that is for the lease's other party to say")
        case .onDemand:
            self.init(
                .refused,
                "the lease is on demand: it is not taken back before its end",
                hint: "if it cannot go on, close it with another code: rialto lease close --help"
            )
        case .unfitReference:
            self.init(
                .badRequest,
                "a reference is plain text of at most \(Settlement.Bounds.referenceByteCountMax) bytes"
            )
        }
    }

    private init(_ failure: StoreFailure, _ consequence: String) {
        self.init(.unavailable, "\(consequence): \(failure.sentence)", hint: "see: rialto doctor")
    }

    init(_ refusal: DeskRefusal) {
        switch refusal {
        case .noDevices: self.init(.badRequest, "it needs at least one GPU", hint: "name it with --gpu")
        case .mixedClasses:
            self.init(.badRequest, "these GPUs are of several market classes", hint: "publish one for each")
        case .tooManyDevices(let limit): self.init(.refused, "a machine offers at most \(limit) GPUs of a class")
        case .tooManyOffers(let limit): self.init(.refused, "a provider has at most \(limit) offers of a class")
        case .tooManyRequests: self.init(.tooMany, "too many wishes wait", hint: "try again in a moment")
        case .unknownOffer: self.init(.notFound, "this node has no such offer", hint: "list yours: rialto offer list")
        case .invalid(let error): self.init(.badRequest, "nobody would accept it: \(error.sentence)")
        case .notDurable:
            self.init(.unavailable, "the disk did not take it, so it was not published", hint: "see: rialto status")
        case .signingNotYet:
            self.init(
                .unavailable,
                "this node asks its peers what it has said before, and signs nothing yet",
                hint: "try again in a few seconds; rialto status says when it signs"
            )
        case .signingStopped:
            self.init(
                .refused,
                "this node's key seems to be in use elsewhere, so it signs nothing",
                hint: "stop the other node, then: rialto key resume"
            )
        case .clockDoubted:
            self.init(
                .refused,
                "the clock was set by more than five minutes, so the node signs nothing until three outbound peers agree with it",
                hint: "check it with: date; if it is right: rialto key resume"
            )
        case .shuttingDown: self.init(.unavailable, "the node is stopping")
        }
    }

    private static func sentence(_ failure: ConnectFailure) -> String {
        switch failure {
        case .selfDial: "that is this node itself"
        case .wrongPeer(let peer): "another peer answered: \(peer)"
        case .transport(.refused): "nobody listens there"
        case .transport(.timedOut): "no answer in time"
        case .banned: "the peer or its address is banned (rialto ban list)"
        default: "\(failure)"
        }
    }
}
