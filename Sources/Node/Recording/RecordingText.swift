internal import Identity
internal import Kademlia
internal import Market
internal import Primitives
internal import Swarm

/// Inputs and outputs as lines for people; nothing that a peer said reaches a terminal but as a length.
extension RecordedStep {
    public var text: String {
        switch input {
        case .started: "started"
        case .clock(let unixMilliseconds): "clock \(unixMilliseconds)"
        case .transport(let input): input.text
        case .verified(let batch, let results):
            "verified \(batch.rawValue): \(results.count { $0 }) of \(results.count) hold"
        case .persisted(let ticket): "persisted \(ticket.rawValue)"
        case .persistFailed(let ticket, let failure): "persist \(ticket.rawValue) failed: \(failure)"
        case .command(let id, let command): "command \(id.rawValue): \(Self.word(of: command))"
        case .deadlineReached: "deadline"
        case .multicast(let bytes, let source): "multicast of \(source): \(bytes.count) bytes"
        case .swarm: "swarm"
        case .rpc: "rpc"
        }
    }

    private static func word(of command: NodeCommand) -> String {
        switch command {
        case .status: "status"
        case .peers: "peers"
        case .connect(let addresses): "connect to \(addresses.count) addresses"
        case .disconnect(let peer): "disconnect \(peer)"
        case .snapshot: "snapshot"
        case .look(let segments, _): "look into \(segments.count) segments"
        case .follow(let segments): "follow \(segments.count) segments"
        case .publishOffer(let draft): "publish an offer of \(draft.devices.count)"
        case .updateOffer(let offer, _): "update \(offer)"
        case .withdrawOffer(let offer, let reason): "withdraw \(offer), reason \(reason)"
        case .ownOffers: "own offers"
        case .findRecords: "find records"
        case .exportRecords: "export records"
        case .importRecords(let envelopes): "import \(envelopes.count.counted("record"))"
        case .resumeKey: "resume the key"
        case .shutdown: "shut down"
        case .bans: "bans"
        case .ban(let ban): "ban \(ban.target)"
        case .unban(let target): "unban \(target)"
        case .tune: "tune"
        case .metrics: "metrics"
        case .dht(let command): "table: \(command)"
        case .proofs: "proofs"
        case .publishRequest(let draft): "request \(draft.alternatives.count) alternatives"
        case .withdrawRequest(let request): "withdraw request \(request)"
        case .acceptRequest(let request, _): "accept a bid on \(request)"
        case .requests: "requests"
        case .attest(let provider): "attest \(PeerID(publicKey: provider))"
        case .placeBid(let wish, _): "bid on \(wish.offer.offer)"
        case .bids: "bids"
        case .cancelBid(let bid): "cancel bid \(bid)"
        case .leases: "leases"
        case .closeLease(let lease, let code): "close lease \(lease): \(code)"
        case .readyLease(let lease): "lease \(lease) is ready"
        case .credit: "credit"
        case .settleLease(let lease, _, _): "settle lease \(lease)"
        case .leasePolicy: "policy"
        case .setLeasePolicy: "set the policy"
        case .findStorefront(let peer): "find the storefront of \(peer)"
        }
    }
}

extension NodeMachine.Output {
    public var text: String {
        switch self {
        case .transport(let output): output.text
        case .swarm: "swarm"
        case .rpc: "rpc"
        case .verify(let batch, let checks): "verify \(batch.rawValue): \(checks.count.counted("signature"))"
        case .persist(let ticket, let changes): "persist \(ticket.rawValue): \(changes.count.counted("change"))"
        case .multicast(let bytes): "multicast: \(bytes.count) bytes"
        case .answer(let command, _): "answer \(command.rawValue)"
        case .event(let event): "event \(event.word)"
        case .stopped: "stopped"
        }
    }
}

extension NodeEvent {
    fileprivate var word: String {
        switch self {
        case .listening(let address): "listening on \(address)"
        case .listenFailed(let endpoint, let failure): "listening on \(endpoint) failed: \(failure)"
        case .ready: "ready"
        case .connected(let info): "connected with \(info.peer)"
        case .disconnected(let peer): "disconnected from \(peer)"
        case .otherNetwork(let peer, let network, _): "\(peer) is of the network '\(network)'"
        case .connectFailed: "connecting failed"
        case .listingsChanged(let changes): "\(changes.count.counted("row")) of the market changed"
        case .recordRefused: "a record was refused"
        case .peerMisbehaved(let peer, _): "misbehaviour of \(peer)"
        case .connectionRefused(let endpoint, _): "refused a connection from \(endpoint)"
        case .reconciled(let peer, _): "compared books with \(peer)"
        case .searched(let summary, _): "searched the table: \(summary.kind.rawValue)"
        case .storeFailed: "the store failed"
        case .storeRecovered: "the store recovered"
        case .signingStopped: "signing stopped"
        case .clockStepped(let milliseconds): "the clock stepped by \(milliseconds) ms"
        case .bidEnded(let bid): "bid \(bid.bid) ended"
        case .leaseStarted(let lease): "lease \(lease.lease) started"
        case .leaseChanged(let lease): "lease \(lease.lease) changed"
        case .leaseEnded(let lease): "lease \(lease.lease) ended"
        case .settlementDue(let order): "settlement \(order.settlement.key) is due"
        case .stopping: "stopping"
        }
    }
}

extension TransportInput {
    fileprivate var text: String {
        switch self {
        case .listening(_, let endpoint): "listening on \(endpoint)"
        case .listenFailed(_, let failure): "listening failed: \(failure)"
        case .interfaces(let addresses): "\(addresses.count) interfaces"
        case .accepted(let connection, _, let remote): "accepted \(connection.rawValue) from \(remote)"
        case .dialed(let connection, _, let remote): "dialled \(connection.rawValue) to \(remote)"
        case .dialFailed(let connection, let failure): "dial \(connection.rawValue) failed: \(failure)"
        case .received(let connection, let bytes): "received \(bytes.count) bytes on \(connection.rawValue)"
        case .congested(let connection): "congested \(connection.rawValue)"
        case .drained(let connection): "drained \(connection.rawValue)"
        case .disconnected(let connection, let failure):
            "disconnected \(connection.rawValue)" + (failure.map { ": \($0)" } ?? "")
        case .resolved(let resolution, _): "resolved \(resolution.rawValue)"
        }
    }
}

extension TransportOutput {
    fileprivate var text: String {
        switch self {
        case .listen(_, let endpoint): "listen on \(endpoint)"
        case .stopListening: "stop listening"
        case .dial(let connection, let endpoint): "dial \(connection.rawValue) to \(endpoint)"
        case .send(let connection, let bytes): "send \(bytes.count) bytes on \(connection.rawValue)"
        case .pauseReading(let connection): "pause reading \(connection.rawValue)"
        case .resumeReading(let connection): "resume reading \(connection.rawValue)"
        case .close(let connection): "close \(connection.rawValue)"
        case .abort(let connection): "abort \(connection.rawValue)"
        case .resolve(let resolution, _): "resolve \(resolution.rawValue)"
        }
    }
}
