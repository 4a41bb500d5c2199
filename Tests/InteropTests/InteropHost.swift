import Cryptography
import Foundation
import Gossipsub
import Identity
import Primitives
import Swarm
import Synchronization

/// A Rialto host without a market, on real sockets: the swarm and the router, and a thread for them.
///
/// Tests call it from their own thread and wait on its journal.
final class InteropHost: Sendable {
    let peer: PeerID
    /// Where the host listens, with its peer id.
    let address: Multiaddr
    let journal = HostJournal()
    private let mailbox = HostMailbox()
    private let ended = DispatchSemaphore(value: 0)
    private let isStopped = Atomic<Bool>(false)
    private let nextRequest = Atomic<UInt64>(1)

    /// Starts a host and returns when it listens; `number` makes its identity.
    init(_ number: UInt8 = 1, _ configure: (inout SwarmConfig) -> Void = { _ in }) throws {
        let seed = [UInt8](repeating: number, count: 32)
        let identity = Ed25519.PrivateKey(seed: seed)
        var config = SwarmConfig()
        configure(&config)
        var gossipConfig = GossipsubConfig()
        gossipConfig.rpc.byteCountMax = 1 << 20
        let gossip = GossipsubMachine(
            config: gossipConfig,
            key: identity,
            firstSequence: UInt64(Date().timeIntervalSince1970 * 1e9),
            random: SeededRandom(seed: seed)
        )
        let swarm = SwarmMachine(config: config, identity: identity, random: SeededRandom(seed: seed.map { $0 ^ 0xff }))
        peer = swarm.peer
        let (journal, mailbox, ended) = (journal, mailbox, ended)
        let rpcLimits = gossipConfig.rpc
        let thread = Thread {
            // The driver is made where it lives.
            HostDriver(
                swarm: swarm,
                gossip: gossip,
                rpcLimits: rpcLimits,
                journal: journal,
                mailbox: mailbox
            ).run()
            ended.signal()
        }
        thread.stackSize = 8 << 20
        thread.start()
        let bound = try journal.wait(for: "the listening socket") { content in
            content.swarm.lazy.compactMap { if case .listening(let address) = $0 { address } else { nil } }.first
        }
        address = bound.with(peer: peer)
    }

    deinit { stop() }

    func stop() {
        guard !isStopped.exchange(true, ordering: .relaxed) else { return }
        mailbox.post(.stop)
        ended.wait()
    }

    func tell(_ input: SwarmMachine.Input) { mailbox.post(.swarm(input)) }

    func tell(_ input: GossipsubMachine.Input) { mailbox.post(.gossip(input)) }

    func setReading(_ isReading: Bool) { mailbox.post(.read(isReading)) }

    /// Returns when all that was told before is done.
    func sync() throws {
        let number = nextNumber()
        mailbox.post(.mark(number))
        try journal.wait(for: "the host's thread") { $0.mark >= number ? () : nil }
    }

    // MARK: Connections

    func connect(to address: Multiaddr) throws {
        let request = ConnectRequestID(rawValue: nextNumber())
        tell(.connect(request, address.peerID, [address]))
        let answer = try journal.wait(for: "an answer to the dial") { content in
            content.swarm.lazy.compactMap { output in
                if case .connectAnswered(request, let answer) = output { answer } else { nil }
            }.first
        }
        _ = try answer.get()
    }

    /// What identify told of a peer, at first or by a push: a host that has just started may not know all of itself.
    func description(
        of peer: PeerID,
        where isWhole: (PeerDescription) -> Bool = { _ in true }
    ) throws -> PeerDescription {
        try journal.wait(for: "identify") { content in
            content.swarm.lazy.compactMap { output in
                if case .identified(peer, let description) = output { description } else { nil }
            }.first(where: isWhole)
        }
    }

    func connection(with peer: PeerID) throws -> ConnectionInfo {
        try journal.wait(for: "a connection") { content in
            content.swarm.lazy.compactMap { if case .connected(peer, let info) = $0 { info } else { nil } }.first
        }
    }

    func waitForDisconnect(of peer: PeerID) throws {
        try journal.wait(for: "the connection's end") { content in
            content.swarm.contains { if case .disconnected(peer, _) = $0 { true } else { false } } ? () : nil
        }
    }

    func waitForPing(of peer: PeerID) throws -> Duration {
        try journal.wait(for: "the answer to a ping") { content in
            content.swarm.lazy.compactMap { if case .roundTrip(peer, let duration) = $0 { duration } else { nil } }
                .first
        }
    }

    /// The lengths of the Noise frames of the handshake on the only connection with a peer, in both directions.
    func handshakeLengths(with peer: PeerID) throws -> (sent: [Int], received: [Int]) {
        let id = try connection(with: peer).id
        let tape = journal.look { $0.tapes[id] } ?? HostJournal.Tape()
        return (HostJournal.Tape.frameLengths(tape.sent), HostJournal.Tape.frameLengths(tape.received))
    }

    // MARK: Gossip

    /// Waits until a peer is in the mesh of a topic.
    func waitForMesh(of topic: Topic, with peer: PeerID) throws {
        try journal.wait(for: "a mesh") { $0.gossip.contains(.meshJoined(peer, topic)) ? () : nil }
    }

    func messages(of topic: Topic, atLeast count: Int) throws -> [GossipMessage] {
        try journal.wait(for: "\(count) messages") { content in
            let found = content.messages.filter { $0.topic == topic }
            return found.count >= count ? found : nil
        }
    }

    // MARK: Streams

    func beginOpening(_ protocolName: String, to peer: PeerID) -> StreamRequestID {
        let request = StreamRequestID(rawValue: nextNumber())
        tell(.openStream(request, peer, [protocolName]))
        return request
    }

    func opened(_ request: StreamRequestID) throws -> HostStream {
        let result = try journal.wait(for: "a stream") { content in
            content.swarm.lazy.compactMap { output -> Result<StreamHandle, StreamFailure>? in
                switch output {
                case .streamOpened(request, let stream, _): .success(stream)
                case .streamFailed(request, let failure): .failure(failure)
                default: nil
                }
            }.first
        }
        return HostStream(host: self, handle: try result.get())
    }

    func openStream(_ protocolName: String, to peer: PeerID) throws -> HostStream {
        try opened(beginOpening(protocolName, to: peer))
    }

    /// The streams that peers opened for a protocol, once there are so many.
    func inboundStreams(_ protocolName: String, count: Int) throws -> [HostStream] {
        let handles = try journal.wait(for: "\(count) inbound streams") { content -> [StreamHandle]? in
            let found = content.swarm.compactMap { output in
                if case .inboundStream(let stream, _, protocolName) = output { stream } else { nil }
            }
            return found.count >= count ? found : nil
        }
        return handles.map { HostStream(host: self, handle: $0) }
    }

    private func nextNumber() -> UInt64 { nextRequest.add(1, ordering: .relaxed).oldValue }
}

/// One stream of a host under test.
struct HostStream: Sendable {
    let host: InteropHost
    let handle: StreamHandle

    /// Writes as fast as the peer takes it.
    func write(_ bytes: [UInt8]) throws {
        var start = 0
        while start < bytes.count {
            let end = min(start + 64 << 10, bytes.count)
            try host.journal.wait(for: "room to write") { $0.congested.contains(handle) ? nil : () }
            host.tell(.write(handle, Array(bytes[start..<end])))
            try host.sync()
            start = end
        }
    }

    func closeWrite() { host.tell(.closeWrite(handle)) }

    func reset() { host.tell(.reset(handle)) }

    /// All that was received, once it is so much.
    func received(atLeast count: Int) throws -> [UInt8] {
        try host.journal.wait(for: "\(count) bytes") { content in
            guard let bytes = content.received[handle], bytes.count >= count else { return nil }
            return bytes
        }
    }

    var receivedCount: Int { host.journal.look { $0.received[handle]?.count ?? 0 } }

    func waitForRemoteEnd() throws {
        try host.journal.wait(for: "the peer's end of the stream") {
            $0.swarm.contains(.remoteClosedWrite(handle)) ? () : nil
        }
    }

    func waitForReset() throws {
        try host.journal.wait(for: "the reset of the stream") { $0.swarm.contains(.streamReset(handle)) ? () : nil }
    }
}
