internal import CUV
internal import Glibc
internal import Primitives
package import Swarm

/// Does at real sockets what a machine asks for, and tells it what happens there.
///
/// Belongs to the loop's thread, like everything that it holds. What it tells may come from within `perform`; the owner queues
/// that until it has carried out all outputs.
@safe package final class TCPTransport {
    let loop: UVLoop
    let limits: TCPLimits
    let deliver: (TransportInput) -> Void

    /// Four of Noise's longest frames: what ends inside a frame has to be kept and copied once more.
    let readBufferByteCount = 256 << 10
    let readBuffer: uv_buf_t

    private var connections: [ConnectionID: TCPConnection] = [:]
    private var listeners: [(id: ListenerID, listener: TCPListener)] = []
    private let resolver: Resolver
    /// Accepted connections have odd numbers.
    private var nextAccepted: UInt64 = 1
    private var toFlush: [TCPConnection] = []
    private var hook: TurnHook?
    private var interfaceTimer: LoopTimer?
    private var interfaces: [IPAddress] = []

    package init(on loop: UVLoop, limits: TCPLimits = TCPLimits(), deliver: @escaping (TransportInput) -> Void) {
        (self.loop, self.limits, self.deliver) = (loop, limits, deliver)
        let memory = UnsafeMutablePointer<CChar>.allocate(capacity: readBufferByteCount)
        unsafe readBuffer = uv_buf_init(memory, UInt32(readBufferByteCount))
        resolver = Resolver(on: loop, limits: limits, deliver: deliver)
    }

    deinit {
        unsafe readBuffer.base.deallocate()
    }

    /// Tells the addresses of this machine and begins to watch them.
    package func start() {
        precondition(hook == nil, "started twice")
        hook = TurnHook(on: loop) { [unowned self] in flushAll() }
        let timer = LoopTimer(on: loop) { [unowned self] in tellInterfaces(always: false) }
        timer.arm(after: limits.interfaceInterval, every: limits.interfaceInterval)
        interfaceTimer = timer
        tellInterfaces(always: true)
    }

    /// Carries out one output; one that names a connection, a listener or a name that is gone has no effect.
    package func perform(_ output: TransportOutput) {
        switch output {
        case .listen(let id, let endpoint): listen(id, at: endpoint)
        case .stopListening(let id): stopListening(id)
        case .dial(let id, let endpoint): dial(id, to: endpoint)
        case .send(let id, let bytes): connections[id]?.send(bytes)
        case .pauseReading(let id): connections[id]?.pauseReading()
        case .resumeReading(let id): connections[id]?.resumeReading()
        case .close(let id): connections[id]?.close()
        case .abort(let id): connections[id]?.abort()
        case .resolve(let id, let query): resolver.resolve(id, query)
        }
    }

    /// Ends every connection at once and closes all that is open here; the owner then closes the loop.
    package func shutDown() {
        for (_, listener) in listeners { listener.close() }
        listeners = []
        for connection in Array(connections.values) { connection.abort() }
        resolver.shutDown()
        hook?.close()
        interfaceTimer?.close()
        (hook, interfaceTimer) = (nil, nil)
    }

    /// How many connections are dialled, open or closing.
    package var connectionCount: Int { connections.count }

    /// What the kernel has not taken yet, of all connections.
    package var unsentByteCount: Int { connections.values.reduce(0) { $0 + $1.unsentByteCount } }

    // MARK: Listening

    private func listen(_ id: ListenerID, at endpoint: Endpoint) {
        precondition(!listeners.contains { $0.id == id }, "the machine numbered two listeners alike")
        do throws(SystemError) {
            let listener = try TCPListener(at: endpoint, for: self)
            listeners.append((id, listener))
            deliver(.listening(id, listener.endpoint))
        } catch {
            deliver(.listenFailed(id, TransportFailure(error)))
        }
    }

    private func stopListening(_ id: ListenerID) {
        guard let index = listeners.firstIndex(where: { $0.id == id }) else { return }
        listeners.remove(at: index).listener.close()
    }

    func accepted(_ descriptor: Int32, from remote: Endpoint) {
        let id = ConnectionID(rawValue: nextAccepted)
        guard let connection = TCPConnection(id, descriptor: descriptor, for: self) else {
            _ = Glibc.close(descriptor)
            return
        }
        guard let local = connection.localEndpoint else { return connection.discard() }
        nextAccepted += 2
        connections[id] = connection
        deliver(.accepted(id, local: local, remote: remote))
        connection.resumeReading()
    }

    // MARK: Dialling

    private func dial(_ id: ConnectionID, to remote: Endpoint) {
        precondition(connections[id] == nil, "the machine numbered two connections alike")
        do throws(SystemError) {
            let connection: TCPConnection
            if let source = source(for: remote) {
                do throws(SystemError) {
                    connection = try connect(id, to: remote, from: source)
                } catch  where error.isAny(of: EADDRNOTAVAIL, EADDRINUSE, EINVAL) {
                    // The same two endpoints are connected already, or the last connection between them is not forgotten yet.
                    connection = try connect(id, to: remote, from: nil)
                }
            } else {
                connection = try connect(id, to: remote, from: nil)
            }
            connections[id] = connection
        } catch {
            deliver(.dialFailed(id, TransportFailure(error)))
        }
    }

    private func connect(
        _ id: ConnectionID,
        to remote: Endpoint,
        from source: Endpoint?
    ) throws(SystemError) -> TCPConnection {
        let socket = try SystemSocket.dialing(isIPv4: remote.address.isIPv4, from: source)
        guard let connection = TCPConnection(id, descriptor: socket.descriptor, for: self) else {
            socket.close()
            throw SystemError(errno: ENOMEM)
        }
        try connection.connect(to: remote)
        return connection
    }

    /// The listening endpoint to dial from: so the peer, and every address translator between, sees the port that we listen on.
    ///
    /// Not when the target is this machine's own listener: a socket that dials its own address connects to itself.
    private func source(for remote: Endpoint) -> Endpoint? {
        let isOwnAddress = remote.address.isLoopback || interfaces.contains(remote.address)
        return listeners.lazy.map(\.listener.endpoint).first { candidate in
            guard candidate.address.isIPv4 == remote.address.isIPv4 else { return false }
            if candidate.port == remote.port, isOwnAddress { return false }
            return candidate.address.isUnspecified || candidate.address.isLoopback == remote.address.isLoopback
        }
    }

    // MARK: Turns

    func forget(_ id: ConnectionID) {
        connections[id] = nil
    }

    func listForFlush(_ connection: TCPConnection) {
        guard !connection.isListedForFlush else { return }
        connection.isListedForFlush = true
        toFlush.append(connection)
    }

    /// Sends what this turn gathered, one write for each connection.
    ///
    /// What the machine answers to that is sent too, a few times
    /// over; then sockets that wait to be read come first again.
    private func flushAll() {
        for _ in 0..<4 where !toFlush.isEmpty {
            let connections = toFlush
            toFlush = []
            for connection in connections {
                connection.isListedForFlush = false
                connection.flush()
            }
        }
        hook?.setUrgent(!toFlush.isEmpty)
    }

    private func tellInterfaces(always: Bool) {
        let found = InterfaceAddresses.current()
        guard always || found != interfaces else { return }
        interfaces = found
        deliver(.interfaces(found))
    }
}
