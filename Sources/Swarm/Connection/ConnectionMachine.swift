internal import DequeModule
internal import Identity
internal import Multistream
internal import Noise
internal import Primitives
internal import Yamux

/// One TCP connection from its first byte: secured by Noise, divided by Yamux, its streams agreed on by multistream-select.
///
/// The upgrade: multistream → `/noise` → the muxer that the handshake named, or multistream → `/yamux/1.0.0` → open. One
/// deadline covers it all. Afterwards every stream begins with a negotiation of its own.
///
/// Every stream that arrived or was opened ends with exactly one `streamEnded`, unless the connection ends: `ended` stands for
/// all of them. All bytes that one step sends are sealed together and leave in one `send`.
struct ConnectionMachine: Sendable {
    enum Input: Sendable {
        /// The TCP connection is there.
        case started
        case received([UInt8])
        case write(UInt32, [UInt8])
        case closeWrite(UInt32)
        case reset(UInt32)
        case consumed(UInt32, Int)
        case transportCongested
        case transportDrained
        /// Says go-away and ends.
        case close
        case deadlineReached
    }

    enum Output: Hashable, Sendable {
        case send([UInt8])
        case upgraded(PeerID)
        /// The peer opened a stream; its protocol follows.
        case streamArrived(UInt32)
        /// The protocol of a stream; from now on it may be written to.
        case negotiated(UInt32, String)
        case data(UInt32, [UInt8])
        case remoteClosedWrite(UInt32)
        case streamEnded(UInt32, StreamEnd)
        case congested(UInt32)
        case drained(UInt32)
        case pauseReading
        case resumeReading
        case roundTrip(Duration)
        /// The bytes that the connection holds itself, beside those that its streams have delivered, are so many now.
        case holds(Int)
        /// The peer took note of a stream of ours: the backlog has room for one more.
        case acknowledged
        /// The last output.
        case ended(ConnectionEnd)
    }

    enum Phase: Sendable {
        /// Before `started`.
        case idle
        /// Agreeing on `/noise`; the dialer's handshake is under way already. → `handshake`
        case security(MultistreamMachine, NoiseHandshake?)
        /// → `muxer` or `open`
        case handshake(NoiseHandshake)
        /// Agreeing on `/yamux/1.0.0`, inside Noise. → `open`
        case muxer(MultistreamMachine)
        case open
        case ended
    }

    static let noiseProtocol = "/noise"
    static let yamuxProtocol = "/yamux/1.0.0"

    let direction: Direction
    let config: ConnectionConfig
    private let staticKey: NoiseStaticKey
    private let expectedPeer: PeerID?
    private var random: SeededRandom
    private var phase = Phase.idle
    private var upgradeDeadline: Instant?

    // Beside the phase and not in it: taking the session out of an enum at every packet would copy its tables.
    private var transport: NoiseTransport?
    var session: YamuxMachine?
    var streams: [UInt32: ConnectionStream] = [:]
    /// When each negotiation ends at the latest; all have the same length, so the order of arrival is the order of the ends.
    var negotiationDeadlines: Deque<(deadline: Instant, stream: UInt32)> = []
    /// The protocols that a peer may open streams for.
    var supported: [String]
    private(set) var remotePeer: PeerID?

    private var isCongested = false
    private var isReadingPaused = false
    private var readWhileCongested = 0

    /// As the owner was last told.
    private var toldMemoryByteCount = 0

    /// Bytes of this step that leave as they are, and those that are sealed behind them.
    private var raw: [UInt8] = []
    private var plaintext: [UInt8] = []

    init(
        direction: Direction,
        config: ConnectionConfig,
        staticKey: NoiseStaticKey,
        expectedPeer: PeerID?,
        supported: [String],
        random: SeededRandom
    ) {
        self.direction = direction
        self.config = config
        self.staticKey = staticKey
        self.expectedPeer = expectedPeer
        self.supported = supported
        self.random = random
    }

    var nextDeadline: Instant? {
        switch phase {
        case .idle, .ended: nil
        case .security, .handshake, .muxer: upgradeDeadline
        case .open: earliest(session?.nextDeadline, negotiationDeadlines.first?.deadline)
        }
    }

    var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// Written and not yet sent, or received and not yet whole.
    private var memoryByteCount: Int { (session?.queuedByteCount ?? 0) + (transport?.pendingByteCount ?? 0) }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch (phase, input) {
        case (.idle, .started):
            start(at: now, into: &outputs)
        case (_, .started):
            preconditionFailure("started twice")
        case (.idle, _):
            preconditionFailure("\(input) before started")
        case (.ended, _):
            return
        case (_, .received(let bytes)):
            noteRead(bytes.count, into: &outputs)
            receive(bytes, at: now, into: &outputs)
        case (.open, .close):
            drive(.goAway, at: now, into: &outputs)
            end(.closed, into: &outputs)
        case (_, .close):
            end(.closed, into: &outputs)
        case (.open, .deadlineReached):
            expireNegotiations(at: now, into: &outputs)
            if let due = session?.nextDeadline, due <= now { drive(.deadlineReached, at: now, into: &outputs) }
        case (_, .deadlineReached):
            if let upgradeDeadline, upgradeDeadline <= now { end(.upgradeTimedOut, into: &outputs) }
        case (_, .transportCongested):
            isCongested = true
            if isOpen { drive(.transportCongested, at: now, into: &outputs) }
        case (_, .transportDrained):
            drained(at: now, into: &outputs)
        case (.open, .write(let stream, let bytes)):
            write(bytes, to: stream, at: now, into: &outputs)
        case (.open, .closeWrite(let stream)):
            closeWrite(stream, at: now, into: &outputs)
        case (.open, .reset(let stream)):
            resetByOwner(stream, at: now, into: &outputs)
        case (.open, .consumed(let stream, let byteCount)):
            consume(byteCount, of: stream, at: now, into: &outputs)
        case (_, .write), (_, .closeWrite), (_, .reset), (_, .consumed):
            break  // There are no streams before the session.
        }
        flush(into: &outputs)
    }

    /// Opens a stream and proposes protocols for it; lazily, if the peer is known to speak the only one proposed.
    mutating func open(
        _ proposals: [String],
        isLazy: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Result<UInt32, StreamFailure> {
        guard isOpen else { return .failure(.notConnected) }
        let opened = openStream(proposals, isLazy: isLazy, at: now, into: &outputs)
        flush(into: &outputs)
        return opened
    }

    func checkInvariants() {
        session?.checkInvariants()
        transport?.checkInvariants()
        assert(raw.isEmpty && plaintext.isEmpty, "bytes stay behind")
        assert(streams.values.allSatisfy { !($0.isWriteClosed && $0.isRemoteClosed) || !$0.isOpen })
        assert(session != nil || streams.isEmpty)
    }

    // MARK: Upgrade

    private mutating func start(at now: Instant, into outputs: inout [Output]) {
        upgradeDeadline = now.advanced(by: config.upgradeTimeout)
        var machine = MultistreamMachine(role: role(for: Self.noiseProtocol))
        var words: [MultistreamMachine.Output] = []
        machine.handle(.started, at: now, into: &words)
        for case .send(let bytes) in words { raw += bytes }
        // The first message of Noise is a key that nobody has seen before: it may leave before there is agreement.
        phase = .security(machine, direction == .outbound ? startedHandshake(at: now) : nil)
    }

    /// Lazily, since there is no other proposal: two messages fewer are waited for.
    ///
    /// A listener that does not know the name answers `na` before it meets what follows, and the connection ends as it would anyway.
    private func role(for name: String) -> MultistreamMachine.Role {
        direction == .outbound ? .dialer(proposals: [name], isLazy: true) : .listener(supported: [name])
    }

    /// Feeds the bytes to the phase that they belong to; what a phase leaves over belongs to the next.
    private mutating func receive(_ bytes: [UInt8], at now: Instant, into outputs: inout [Output]) {
        var rest: [UInt8]? = bytes
        while let bytes = rest {
            switch phase {
            case .security(let machine, let handshake):
                rest = negotiateSecurity(machine, handshake, bytes, at: now, into: &outputs)
            case .handshake(let machine): rest = shakeHands(machine, bytes, at: now, into: &outputs)
            case .muxer(let machine): rest = negotiateMuxer(machine, bytes, at: now, into: &outputs)
            case .open:
                if let opened = unseal(bytes, into: &outputs), !opened.isEmpty {
                    drive(.received(opened), at: now, into: &outputs)
                }
                rest = nil
            case .idle, .ended:
                return
            }
            if rest?.isEmpty == true { return }
        }
    }

    private mutating func negotiateSecurity(
        _ machine: MultistreamMachine,
        _ handshake: NoiseHandshake?,
        _ bytes: [UInt8],
        at now: Instant,
        into outputs: inout [Output]
    ) -> [UInt8]? {
        var (machine, words): (MultistreamMachine, [MultistreamMachine.Output]) = (machine, [])
        machine.handle(.received(bytes), at: now, into: &words)
        phase = .security(machine, handshake)
        var rest: [UInt8]?
        for word in words {
            switch word {
            case .send(let bytes): raw += bytes
            case .negotiated(_, let remainder):
                phase = .handshake(handshake ?? startedHandshake(at: now))
                rest = remainder
            case .failed(let failure): end(.security(failure), into: &outputs)
            }
        }
        return rest
    }

    private mutating func startedHandshake(at now: Instant) -> NoiseHandshake {
        var machine = NoiseHandshake(
            role: direction == .outbound ? .initiator : .responder,
            staticKey: staticKey,
            expectedPeer: expectedPeer,
            muxers: config.offersEarlyMuxer ? [Self.yamuxProtocol] : [],
            random: random.split()
        )
        var messages: [NoiseHandshake.Output] = []
        machine.handle(.started, at: now, into: &messages)
        for case .send(let bytes) in messages { raw += bytes }
        return machine
    }

    private mutating func shakeHands(
        _ machine: NoiseHandshake,
        _ bytes: [UInt8],
        at now: Instant,
        into outputs: inout [Output]
    ) -> [UInt8]? {
        var (machine, messages): (NoiseHandshake, [NoiseHandshake.Output]) = (machine, [])
        machine.handle(.received(bytes), at: now, into: &messages)
        phase = .handshake(machine)
        var rest: [UInt8]?
        for message in messages {
            switch message {
            case .send(let bytes): raw += bytes
            case .completed(let session):
                remotePeer = session.remotePeer
                transport = session.transport
                rest = session.remainder
                if session.muxer == nil {
                    startMuxerNegotiation(at: now)
                } else {
                    startSession(at: now, into: &outputs)
                }
            case .failed(let failure): end(.noise(failure), into: &outputs)
            }
        }
        return rest
    }

    private mutating func startMuxerNegotiation(at now: Instant) {
        var machine = MultistreamMachine(role: role(for: Self.yamuxProtocol))
        var words: [MultistreamMachine.Output] = []
        machine.handle(.started, at: now, into: &words)
        phase = .muxer(machine)
        for case .send(let bytes) in words { plaintext += bytes }
    }

    private mutating func negotiateMuxer(
        _ machine: MultistreamMachine,
        _ bytes: [UInt8],
        at now: Instant,
        into outputs: inout [Output]
    ) -> [UInt8]? {
        guard let opened = unseal(bytes, into: &outputs) else { return nil }
        var (machine, words): (MultistreamMachine, [MultistreamMachine.Output]) = (machine, [])
        machine.handle(.received(opened), at: now, into: &words)
        phase = .muxer(machine)
        for word in words {
            switch word {
            case .send(let bytes): plaintext += bytes
            case .negotiated(_, let remainder):
                startSession(at: now, into: &outputs)
                if !remainder.isEmpty { drive(.received(remainder), at: now, into: &outputs) }
            case .failed(let failure): end(.muxer(failure), into: &outputs)
            }
        }
        return nil
    }

    private mutating func startSession(at now: Instant, into outputs: inout [Output]) {
        guard let remotePeer else { preconditionFailure("a session with nobody") }
        let role: YamuxRole = direction == .outbound ? .client : .server
        session = YamuxMachine(role: role, config: config.yamux, random: random.split())
        phase = .open
        upgradeDeadline = nil
        outputs.append(.upgraded(remotePeer))
        drive(.started, at: now, into: &outputs)
        if isCongested { drive(.transportCongested, at: now, into: &outputs) }
    }

    // MARK: Bytes

    /// Decrypts what is whole; `nil` if the connection ended over it.
    private mutating func unseal(_ bytes: [UInt8], into outputs: inout [Output]) -> [UInt8]? {
        var opened: [UInt8] = []
        do throws(NoiseFailure) {
            try transport?.receive(bytes, into: &opened)
            return opened
        } catch {
            end(.noise(error), into: &outputs)
            return nil
        }
    }

    /// Adds to what this step sends.
    mutating func queue(_ bytes: [UInt8]) {
        // A step mostly has one piece, which need not be copied.
        if plaintext.isEmpty { plaintext = bytes } else { plaintext += bytes }
    }

    /// Ends every step: sends what it produced, and tells what is still held.
    private mutating func flush(into outputs: inout [Output]) {
        send(into: &outputs)
        // Whatever changed it: bytes pile up behind a full socket, and in frames that trickle in, without any being sent.
        let byteCount = memoryByteCount
        if case .ended = phase { return }
        guard byteCount != toldMemoryByteCount else { return }
        toldMemoryByteCount = byteCount
        outputs.append(.holds(byteCount))
    }

    /// Sends in one piece, before the end if it came to that.
    private mutating func send(into outputs: inout [Output]) {
        if !plaintext.isEmpty {
            do throws(NoiseFailure) {
                try transport?.seal(plaintext, into: &raw)
            } catch {
                end(.noise(error), into: &outputs)
            }
            plaintext.removeAll(keepingCapacity: plaintext.capacity <= 1 << 16)
        }
        guard !raw.isEmpty else { return }
        let isEnded = if case .ended = outputs.last { true } else { false }
        outputs.insert(.send(raw), at: isEnded ? outputs.count - 1 : outputs.count)
        raw = []
    }

    mutating func end(_ reason: ConnectionEnd, into outputs: inout [Output]) {
        if case .ended = phase { return }
        phase = .ended
        upgradeDeadline = nil
        streams = [:]
        negotiationDeadlines = []
        session = nil
        outputs.append(.ended(reason))
    }

    // MARK: Back-pressure

    private mutating func noteRead(_ byteCount: Int, into outputs: inout [Output]) {
        guard isCongested else { return }
        readWhileCongested += byteCount
        guard !isReadingPaused, readWhileCongested > config.readWhileCongestedMax else { return }
        isReadingPaused = true
        outputs.append(.pauseReading)
    }

    private mutating func drained(at now: Instant, into outputs: inout [Output]) {
        (isCongested, readWhileCongested) = (false, 0)
        if isReadingPaused {
            isReadingPaused = false
            outputs.append(.resumeReading)
        }
        if isOpen { drive(.transportDrained, at: now, into: &outputs) }
    }
}
