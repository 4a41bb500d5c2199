internal import CUV
internal import Glibc
internal import Primitives
internal import Swarm

/// One TCP connection: its socket, what waits to be sent, and how it ends.
final class TCPConnection {
    private enum State {
        /// Dialled, not answered. → open, ended
        case connecting(timeout: LoopTimer)
        /// Both directions work. → flushing, ended
        case open
        /// Closed by us; the rest is being sent, what arrives is dropped. → lingering, ended
        case flushing(timeout: LoopTimer)
        /// Everything is sent and so is our end of stream; waits for the peer's. → ended
        case lingering(timeout: LoopTimer)
        case ended
    }

    let id: ConnectionID
    private let transport: TCPTransport
    private let handle: UVHandle
    private var state = State.open

    /// Bytes of `unsent` before `unsentStart` are with the kernel or in the block already.
    private var unsent: [UInt8] = []
    private var unsentStart = 0
    /// The size of the one block that libuv holds until the socket takes it.
    private var blockByteCount = 0
    private var isCongested = false
    private var isReading = false
    /// Whether the transport's list of connections with something to send has this one.
    var isListedForFlush = false

    /// What the kernel has not taken yet.
    var unsentByteCount: Int { unsent.count - unsentStart + blockByteCount }

    /// Takes over a connected or bound socket; `nil` when there is no memory for it, and then the socket is still the caller's.
    init?(_ id: ConnectionID, descriptor: Int32, for transport: TCPTransport) {
        let made = unsafe UVHandle(UV_TCP, on: transport.loop) { memory in
            unsafe uv_tcp_init(transport.loop.pointer, memory.assumingMemoryBound(to: uv_tcp_t.self))
        }
        guard let made else { return nil }
        guard unsafe uv_tcp_open(made.pointer(), descriptor) == 0 else {
            made.close()
            return nil
        }
        (self.id, self.transport, handle) = (id, transport, made)
        made.attach(self)
        unsafe uv_tcp_nodelay(made.pointer(), 1)
    }

    // MARK: What the transport asks for

    /// Starts the handshake; throws what the system refuses at once, and is useless after that.
    func connect(to remote: Endpoint) throws(SystemError) {
        let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
        let status = unsafe remote.withSocketAddress { address, _ in
            unsafe uv_tcp_connect(request, handle.pointer(), address) { request, status in
                guard let request = unsafe request else { return }
                let connection = unsafe UVHandle.target(of: request.pointee.handle) as? TCPConnection
                unsafe request.deallocate()
                connection?.connectEnded(status)
            }
        }
        guard status == 0 else {
            unsafe request.deallocate()
            state = .ended
            handle.close()
            throw SystemError(code: status)
        }
        let timeout = LoopTimer(on: transport.loop) { [weak self] in self?.end(.timedOut) }
        timeout.arm(after: transport.limits.connectTimeout)
        state = .connecting(timeout: timeout)
    }

    /// Closes a socket of which nobody was told.
    func discard() {
        state = .ended
        handle.close()
    }

    func send(_ bytes: [UInt8]) {
        guard case .open = state, !bytes.isEmpty else { return }
        if unsent.isEmpty { unsent = bytes } else { unsent += bytes }
        if unsentByteCount > transport.limits.unsentByteCountMax {
            flush()
            guard unsentByteCount <= transport.limits.unsentByteCountMax else { return abort(.system("ENOBUFS")) }
        }
        transport.listForFlush(self)
    }

    func pauseReading() {
        guard case .open = state, isReading else { return }
        isReading = false
        unsafe uv_read_stop(handle.pointer())
    }

    func resumeReading() {
        switch state {
        case .open, .flushing:
            guard !isReading else { return }
            isReading = true
            let status = unsafe uv_read_start(handle.pointer(), Self.allocate, Self.read)
            if status != 0 { end(TransportFailure(SystemError(code: status))) }
        case .connecting, .lingering, .ended:
            break
        }
    }

    /// Sends what is queued, then ends.
    func close() {
        switch state {
        case .connecting:
            end(.system("ECANCELED"))
        case .open:
            let timeout = LoopTimer(on: transport.loop) { [weak self] in self?.abort(.timedOut) }
            timeout.arm(after: transport.limits.flushTimeout)
            state = .flushing(timeout: timeout)
            // What arrives now is dropped, but the peer's end must be seen.
            resumeReading()
            transport.listForFlush(self)
        case .flushing, .lingering, .ended:
            break
        }
    }

    /// Drops what is queued and resets the connection.
    func abort(_ failure: TransportFailure? = nil) {
        switch state {
        case .connecting:
            end(failure ?? .system("ECANCELED"))
        case .open, .flushing, .lingering:
            end(failure, byReset: true)
        case .ended:
            break
        }
    }

    /// Offers everything that is queued to the kernel in one write; what it does not take waits for it inside libuv.
    func flush() {
        switch state {
        case .open, .flushing: break
        case .connecting, .lingering, .ended: return
        }
        while blockByteCount == 0, unsentStart < unsent.count {
            let status = writeAtOnce()
            if status == -EAGAIN {
                guard writeBlock() else { return }
            } else if status < 0 {
                return end(TransportFailure(SystemError(code: status)))
            } else {
                unsentStart += Int(status)
            }
        }
        if unsentStart == unsent.count {
            unsent.removeAll(keepingCapacity: unsent.count <= transport.readBufferByteCount)
            unsentStart = 0
        } else if unsentStart >= transport.limits.blockByteCountMax {
            unsent.removeFirst(unsentStart)
            unsentStart = 0
        }
        reportPressure()
        if case .flushing(let timeout) = state, unsentByteCount == 0 { linger(timeout) }
    }

    // MARK: What libuv reports

    private func connectEnded(_ status: Int32) {
        guard case .connecting(let timeout) = state else { return }
        guard status == 0, let local = localEndpoint, let remote = remoteEndpoint else {
            return end(status == 0 ? .reset : TransportFailure(SystemError(code: status)))
        }
        timeout.close()
        state = .open
        transport.deliver(.dialed(id, local: local, remote: remote))
        resumeReading()
    }

    /// The loop has one buffer for all reads: the bytes are copied out of it before anyone else can read.
    private static let allocate: uv_alloc_cb = { native, _, buffer in
        guard let connection = unsafe UVHandle.target(of: native) as? TCPConnection else { return }
        unsafe buffer?.pointee = unsafe connection.transport.readBuffer
    }

    private static let read: uv_read_cb = { native, count, buffer in
        guard let connection = unsafe UVHandle.target(of: native) as? TCPConnection else { return }
        guard count > 0, let buffer = unsafe buffer else { return connection.readEnded(count) }
        let bytes = unsafe UnsafeRawBufferPointer(start: buffer.pointee.base, count: count)
        if case .open = connection.state {
            connection.transport.deliver(.received(connection.id, unsafe [UInt8](bytes)))
        }
    }

    private func readEnded(_ count: Int) {
        guard count < 0 else { return }
        let error = SystemError(code: Int32(truncatingIfNeeded: count))
        let isEndOfStream = error.code == UV_EOF.rawValue
        switch state {
        case .open:
            end(isEndOfStream ? nil : TransportFailure(error))
        case .flushing:
            // A peer that sends no more may still read.
            if !isEndOfStream { end(TransportFailure(error)) }
        case .lingering:
            end(nil)
        case .connecting, .ended:
            break
        }
    }

    private func blockEnded(_ status: Int32) {
        blockByteCount = 0
        switch state {
        case .open, .flushing:
            if status == 0 { flush() } else { end(TransportFailure(SystemError(code: status))) }
        case .connecting, .lingering, .ended:
            break
        }
    }

    // MARK: Steps

    /// How many bytes the kernel took, or an error of libuv.
    private func writeAtOnce() -> Int32 {
        unsafe unsent.withUnsafeMutableBufferPointer { bytes in
            // Fewer than `unsentByteCountMax`, so the length fits.
            let rest = unsafe UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: bytes[unsentStart...]))
            var buffer = unsafe uv_buf_init(rest.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(rest.count))
            return unsafe uv_try_write(handle.pointer(), &buffer, 1)
        }
    }

    /// Copies the head of what is unsent behind a request, which libuv carries out when the socket is writable.
    private func writeBlock() -> Bool {
        let count = min(unsent.count - unsentStart, transport.limits.blockByteCountMax)
        let headerByteCount = unsafe MemoryLayout<uv_write_t>.stride
        let block = UnsafeMutableRawPointer.allocate(byteCount: headerByteCount + count, alignment: 16)
        let payload = unsafe UnsafeMutableRawBufferPointer(start: block + headerByteCount, count: count)
        unsafe payload.copyBytes(from: unsent[unsentStart..<unsentStart + count])
        let request = unsafe block.bindMemory(to: uv_write_t.self, capacity: 1)
        var buffer = unsafe uv_buf_init(payload.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(count))
        let status = unsafe uv_write(request, handle.pointer(), &buffer, 1) { request, status in
            guard let request = unsafe request else { return }
            let connection = unsafe UVHandle.target(of: request.pointee.handle) as? TCPConnection
            unsafe UnsafeMutableRawPointer(request).deallocate()
            connection?.blockEnded(status)
        }
        guard status == 0 else {
            unsafe block.deallocate()
            end(TransportFailure(SystemError(code: status)))
            return false
        }
        unsentStart += count
        blockByteCount = count
        return true
    }

    private func reportPressure() {
        guard case .open = state else { return }
        if !isCongested, unsentByteCount > transport.limits.highWaterByteCount {
            isCongested = true
            transport.deliver(.congested(id))
        } else if isCongested, unsentByteCount <= transport.limits.lowWaterByteCount {
            isCongested = false
            transport.deliver(.drained(id))
        }
    }

    /// Sends our end of stream.
    ///
    /// To close the socket now would reset it if the peer's bytes are still unread, and with the reset
    /// the peer's kernel may drop what we sent last.
    private func linger(_ timeout: LoopTimer) {
        timeout.close()
        let limit = LoopTimer(on: transport.loop) { [weak self] in self?.end(nil) }
        limit.arm(after: transport.limits.lingerTimeout)
        state = .lingering(timeout: limit)
        let request = UnsafeMutablePointer<uv_shutdown_t>.allocate(capacity: 1)
        let status = unsafe uv_shutdown(request, handle.pointer()) { request, _ in unsafe request?.deallocate() }
        guard status != 0 else { return }
        unsafe request.deallocate()
        end(nil)
    }

    /// The one way out: tells the transport exactly once.
    private func end(_ failure: TransportFailure?, byReset: Bool = false) {
        let last: TransportInput
        switch state {
        case .connecting(let timeout):
            timeout.close()
            last = .dialFailed(id, failure ?? .reset)
        case .open:
            last = .disconnected(id, failure)
        case .flushing(let timeout), .lingering(let timeout):
            timeout.close()
            last = .disconnected(id, failure)
        case .ended:
            return
        }
        state = .ended
        (unsent, unsentStart) = ([], 0)
        transport.forget(id)
        if byReset { handle.closeByReset() } else { handle.close() }
        transport.deliver(last)
    }

    /// One of the two ends, by the libuv function that tells it.
    private func endpoint(
        _ ask: (UnsafePointer<uv_tcp_t>?, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<Int32>?) -> Int32
    ) -> Endpoint? {
        var storage = sockaddr_storage()
        var byteCount = Int32(MemoryLayout<sockaddr_storage>.size)
        let status = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe ask(handle.pointer(), address, &byteCount)
            }
        }
        return status == 0 ? Endpoint(storage) : nil
    }

    /// Where the connection ends on this machine; `nil` if it is gone already.
    var localEndpoint: Endpoint? { unsafe endpoint(uv_tcp_getsockname) }

    private var remoteEndpoint: Endpoint? { unsafe endpoint(uv_tcp_getpeername) }
}
