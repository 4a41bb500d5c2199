import Cryptography
import Foundation
import Gossipsub
import Identity
import Primitives
import Swarm

@testable import Node
@testable import Sockets

/// The loop's thread of a host under test: sockets, swarm and router, joined as the node joins them.
///
/// Everything here belongs to one thread; other threads post work.
final class HostDriver {
    enum Work: Sendable {
        case swarm(SwarmMachine.Input)
        case gossip(GossipsubMachine.Input)
        /// Whether what arrives on kept streams is taken, or left in the peer's window.
        case read(Bool)
        /// Tells the journal that all work before this one is done.
        case mark(UInt64)
        case stop
    }

    static let echo = "/rialto-interop/echo/1.0.0"
    static let keep = "/rialto-interop/keep/1.0.0"

    private let loop = UVLoop()
    private var clock = LoopClock()
    private var swarm: SwarmMachine
    private var gossip: GossipsubMachine
    private var streams: GossipStreams
    private let rpcLimits: RPCLimits
    private let journal: HostJournal
    private let mailbox: HostMailbox
    private var transport: TCPTransport?
    private var signal: LoopSignal?
    private var timer: LoopTimer?

    private var work: [Work] = []
    private var isWorking = false
    private var isReading = true
    private var echoes: Set<StreamHandle> = []
    private var congested: Set<StreamHandle> = []
    /// Received and not reported as consumed.
    private var withheld: [StreamHandle: Int] = [:]

    init(
        swarm: SwarmMachine,
        gossip: GossipsubMachine,
        rpcLimits: RPCLimits,
        journal: HostJournal,
        mailbox: HostMailbox
    ) {
        (self.swarm, self.gossip, self.journal, self.mailbox) = (swarm, gossip, journal, mailbox)
        self.rpcLimits = rpcLimits
        // The tests' own requests have lower numbers.
        streams = GossipStreams(rpcByteCountMax: rpcLimits.byteCountMax, requestIDs: 1 << 32...(1 << 33))
    }

    /// Returns when the host is told to stop.
    func run() {
        let transport = TCPTransport(on: loop) { [unowned self] in feed(.swarm(.transport($0))) }
        let signal = LoopSignal(on: loop) { [unowned self] in for item in mailbox.takeAll() { feed(item) } }
        (self.transport, self.signal) = (transport, signal)
        timer = LoopTimer(on: loop) { [unowned self] in
            feed(.swarm(.deadlineReached))
            feed(.gossip(.deadlineReached))
        }
        let any = Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)
        feed(.swarm(.clock(unixMilliseconds: LoopClock.unixMilliseconds())))
        feed(.swarm(.setProtocols(GossipsubVersion.protocolNames + [Self.echo, Self.keep])))
        transport.start()
        feed(.swarm(.started(listen: [any])))
        mailbox.open(signal.sender)
        loop.run()
        loop.close()
    }

    private func feed(_ item: Work) {
        work.append(item)
        guard !isWorking else { return }
        isWorking = true
        let now = clock.now()
        var next = 0
        while next < work.count {
            perform(work[next], at: now)
            next += 1
        }
        work.removeAll()
        isWorking = false
        arm(at: now)
    }

    private func arm(at now: Instant) {
        guard let due = earliest(swarm.nextDeadline, gossip.nextDeadline) else { return }
        timer?.arm(after: max(now.duration(to: due), .milliseconds(1)))
    }

    private func perform(_ item: Work, at now: Instant) {
        switch item {
        case .swarm(let input):
            if case .transport(.received(let id, let bytes)) = input { tape(bytes, on: id, into: \.received) }
            var outputs: [SwarmMachine.Output] = []
            swarm.handle(input, at: now, into: &outputs)
            for output in outputs { perform(output) }
        case .gossip(let input):
            var outputs: [GossipsubMachine.Output] = []
            gossip.handle(input, at: now, into: &outputs)
            for output in outputs { perform(output) }
        case .read(let isReading):
            self.isReading = isReading
            if isReading { for stream in withheld.keys.sorted() where !congested.contains(stream) { release(stream) } }
        case .mark(let number):
            journal.note { $0.mark = number }
        case .stop:
            transport?.shutDown()
            signal?.close()
            timer?.close()
            loop.stop()
        }
    }

    // MARK: The swarm's outputs

    private func perform(_ output: SwarmMachine.Output) {
        switch output {
        case .transport(let output):
            if case .send(let id, let bytes) = output { tape(bytes, on: id, into: \.sent) }
            transport?.perform(output)
            return
        case .data(let stream, let bytes):
            return received(bytes, on: stream)
        case .identified(let peer, let description):
            identified(peer, description)
        case .disconnected(let peer, _):
            streams.disconnected(peer)
            work.append(.gossip(.peerDisconnected(peer)))
        case .inboundStream(let stream, let peer, let name):
            accepted(stream, from: peer, name)
        case .streamOpened(let request, let stream, _):
            if let peer = streams.opened(request, stream) { work.append(.gossip(.streamReady(peer))) }
        case .streamFailed(let request, _):
            if let peer = streams.failed(request) { work.append(.gossip(.streamClosed(peer))) }
        case .remoteClosedWrite(let stream):
            closed(stream, isReset: false)
        case .streamReset(let stream):
            closed(stream, isReset: true)
        case .streamCongested(let stream):
            congested.insert(stream)
            if let peer = streams.peer(of: stream) { work.append(.gossip(.congested(peer))) }
        case .streamDrained(let stream):
            congested.remove(stream)
            if echoes.contains(stream) { release(stream) }
            if let peer = streams.peer(of: stream) { work.append(.gossip(.drained(peer))) }
        case .listening, .listenFailed, .connected, .connectAnswered, .roundTrip, .addressesChanged, .refused, .stopped:
            break
        }
        journal.note { content in
            content.swarm.append(output)
            content.congested = congested
        }
    }

    private func identified(_ peer: PeerID, _ description: PeerDescription) {
        guard let connection = swarm.connection(to: peer) else { return }
        guard let name = GossipsubVersion.protocolNames.first(where: description.protocols.contains) else { return }
        let isOutbound = connection.direction == .outbound
        let address = connection.remote.address
        work.append(.gossip(.peerConnected(peer, protocolName: name, isOutbound: isOutbound, address: address)))
    }

    private func accepted(_ stream: StreamHandle, from peer: PeerID, _ name: String) {
        switch name {
        case Self.echo: echoes.insert(stream)
        case Self.keep: break
        default:
            if let replaced = streams.accepted(stream, from: peer) { work.append(.swarm(.reset(replaced))) }
        }
    }

    private func received(_ bytes: [UInt8], on stream: StreamHandle) {
        if streams.owns(stream) {
            work.append(.swarm(.consumed(stream, bytes.count)))
            guard let peer = streams.peer(of: stream) else { return }
            guard let messages = try? streams.received(bytes, on: stream) else {
                work.append(.swarm(.reset(stream)))
                return
            }
            for message in messages { hear(message, from: peer) }
            return
        }
        withheld[stream, default: 0] += bytes.count
        if echoes.contains(stream) {
            work.append(.swarm(.write(stream, bytes)))
            // A peer that does not read what it sent for gets no more credit.
            if !congested.contains(stream) { release(stream) }
        } else {
            journal.note { $0.received[stream, default: []] += bytes }
            if isReading { release(stream) }
        }
    }

    private func hear(_ message: [UInt8], from peer: PeerID) {
        do {
            work.append(.gossip(.received(peer, try GossipRPC(decoding: message, limits: rpcLimits))))
        } catch {
            work.append(.gossip(.receivedUnreadable(peer, error)))
        }
    }

    private func release(_ stream: StreamHandle) {
        guard let count = withheld.removeValue(forKey: stream) else { return }
        work.append(.swarm(.consumed(stream, count)))
    }

    private func closed(_ stream: StreamHandle, isReset: Bool) {
        if streams.owns(stream) {
            if !isReset && streams.isOutbound(stream) { return }
            guard let closed = streams.closed(stream) else { return }
            if !isReset { work.append(.swarm(.closeWrite(stream))) }
            if closed.wasOutbound { work.append(.gossip(.streamClosed(closed.peer))) }
        } else if isReset {
            withheld[stream] = nil
            echoes.remove(stream)
        } else if echoes.contains(stream) {
            work.append(.swarm(.closeWrite(stream)))
        }
    }

    private func tape(_ bytes: [UInt8], on id: ConnectionID, into side: WritableKeyPath<HostJournal.Tape, [UInt8]>) {
        journal.note { content in
            var tape = content.tapes[id] ?? HostJournal.Tape()
            guard tape[keyPath: side].count < HostJournal.Tape.byteCountMax else { return }
            tape[keyPath: side] += bytes
            content.tapes[id] = tape
        }
    }

    // MARK: The router's outputs

    private func perform(_ output: GossipsubMachine.Output) {
        switch output {
        case .openStream(let peer):
            guard let request = streams.open(to: peer) else { return }
            let names = GossipsubVersion.protocolNames
            let spoken = swarm.protocols(of: peer)
            work.append(.swarm(.openStream(request, peer, names.filter(spoken.contains))))
        case .closeStream(let peer):
            guard let stream = streams.outbound(of: peer) else { return }
            _ = streams.closed(stream)
            work.append(.swarm(.closeWrite(stream)))
        case .send(let peer, let rpc):
            guard let stream = streams.outbound(of: peer) else { return }
            work.append(.swarm(.write(stream, LengthPrefixedFrames.framed(rpc.encoded))))
        case .verify(let id, let check):
            work.append(.gossip(.verified(id, check.holds)))
        case .validate(let id, let message):
            journal.note { $0.messages.append(message) }
            work.append(.gossip(.validated(id, .accept)))
        case .published, .publishRefused, .peerSubscribed, .peerUnsubscribed, .meshJoined, .meshLeft, .connect,
            .misbehaved:
            journal.note { $0.gossip.append(output) }
        }
    }
}

/// Work from other threads.
final class HostMailbox: @unchecked Sendable {
    // `@unchecked`: everything is touched under the lock.
    private let lock = NSLock()
    private var waiting: [HostDriver.Work] = []
    private var sender: LoopSignal.Sender?

    func open(_ sender: LoopSignal.Sender) {
        lock.withLock { self.sender = sender }
        sender.send()
    }

    func post(_ item: HostDriver.Work) {
        lock.withLock {
            waiting.append(item)
            return sender
        }?.send()
    }

    func takeAll() -> [HostDriver.Work] {
        lock.withLock {
            defer { waiting = [] }
            return waiting
        }
    }
}
