internal import CUV
internal import DequeModule
internal import Glibc
internal import Primitives
internal import Swarm

/// One stream to another program: its socket, what waits to be sent, and how it ends.
final class LocalStream {
    private enum State {
        case connecting
        case open
        /// Closed by us: the rest is being sent, what arrives is dropped. → ended
        case closing
        case ended
    }

    let id: LocalStreamID
    private let sockets: LocalSockets
    private let descriptor: Int32
    private let poll: UVHandle
    private var state: State
    /// What libuv watches for.
    private var watched: Int32 = 0

    /// Of the first piece, `unsentStart` bytes are with the kernel.
    private var unsent: Deque<[UInt8]> = []
    private var unsentStart = 0
    private var unsentByteCount = 0
    private var isWriteClosing = false
    private var isWriteClosed = false
    private var isReading = true
    private var isRemoteClosed = false
    private var isCongested = false
    private var goneTimer: LoopTimer?
    var isListedForFlush = false

    /// Takes over a socket that does not block; `nil` when there is no memory for it, and then the socket is still the caller's.
    init?(_ id: LocalStreamID, descriptor: Int32, isConnected: Bool, for sockets: LocalSockets) {
        let made = unsafe UVHandle(UV_POLL, on: sockets.loop) { memory in
            let native = unsafe memory.assumingMemoryBound(to: uv_poll_t.self)
            return unsafe uv_poll_init(sockets.loop.pointer, native, descriptor)
        }
        guard let made else { return nil }
        (self.id, self.sockets, self.descriptor, poll) = (id, sockets, descriptor, made)
        state = isConnected ? .open : .connecting
        made.attach(self)
        watch()
    }

    // MARK: What the owner asks for

    func send(_ bytes: [UInt8]) {
        guard !bytes.isEmpty, !isWriteClosing, state == .open || state == .connecting else { return }
        if let last = unsent.last, last.count + bytes.count <= sockets.limits.pieceByteCount {
            unsent[unsent.count - 1] += bytes
        } else {
            unsent.append(bytes)
        }
        unsentByteCount += bytes.count
        sockets.listForFlush(self)
    }

    func closeWrite() {
        isWriteClosing = true
        sockets.listForFlush(self)
    }

    func setReading(_ isReading: Bool) {
        self.isReading = isReading
        watch()
    }

    func close() {
        guard state != .ended else { return }
        if state == .connecting { return end() }
        state = .closing
        isWriteClosing = true
        sockets.listForFlush(self)
    }

    /// The one way out: tells the owner exactly once.
    func end(_ failure: SystemError? = nil) {
        guard state != .ended else { return }
        let wasConnecting = state == .connecting
        state = .ended
        unsent = []
        goneTimer?.close()
        poll.close()
        _ = Glibc.close(descriptor)
        sockets.forget(id)
        if wasConnecting, let failure {
            sockets.deliver(.connectFailed(id, TransportFailure(failure)))
        } else {
            sockets.deliver(.ended(id))
        }
    }

    // MARK: Writing

    /// Offers what is queued to the kernel.
    func flush() {
        guard state == .open || state == .closing else { return }
        while let first = unsent.first {
            let count = unsafe first.withUnsafeBytes { bytes in
                unsafe Glibc.send(
                    descriptor,
                    bytes.baseAddress.map { unsafe $0 + unsentStart },
                    bytes.count - unsentStart,
                    Int32(MSG_NOSIGNAL)
                )
            }
            if count < 0 {
                if errno == EINTR { continue }
                guard errno == EAGAIN else { return end() }
                break
            }
            unsentByteCount -= count
            unsentStart += count
            guard unsentStart == first.count else { continue }
            unsent.removeFirst()
            unsentStart = 0
        }
        if unsent.isEmpty, state == .closing { return end() }
        if unsent.isEmpty, isWriteClosing, !isWriteClosed {
            isWriteClosed = true
            _ = shutdown(descriptor, Int32(SHUT_WR))
        }
        watch()
        reportPressure()
    }

    private func reportPressure() {
        guard state == .open else { return }
        if !isCongested, unsentByteCount > sockets.limits.highWaterByteCount {
            isCongested = true
            sockets.deliver(.congested(id))
        } else if isCongested, unsentByteCount <= sockets.limits.lowWaterByteCount {
            isCongested = false
            sockets.deliver(.drained(id))
        }
    }

    // MARK: What libuv reports

    /// Asks libuv for what can make a difference now, and for nothing that would wake the loop in vain.
    private func watch() {
        var wanted: Int32 = 0
        switch state {
        case .connecting: wanted = Int32(UV_WRITABLE.rawValue)
        case .open, .closing:
            if !isRemoteClosed, isReading || state == .closing { wanted |= Int32(UV_READABLE.rawValue) }
            if !unsent.isEmpty { wanted |= Int32(UV_WRITABLE.rawValue) }
        case .ended: return
        }
        guard wanted != watched else { return }
        watched = wanted
        if wanted == 0 {
            unsafe uv_poll_stop(poll.pointer())
        } else {
            unsafe uv_poll_start(poll.pointer(), wanted) { native, status, events in
                (unsafe UVHandle.target(of: native) as? LocalStream)?.woke(status, events)
            }
        }
    }

    private func woke(_ status: Int32, _ events: Int32) {
        if state == .connecting { return connectEnded() }
        guard status == 0 else { return end() }
        if events & Int32(UV_WRITABLE.rawValue) != 0 { flush() }
        if events & Int32(UV_READABLE.rawValue) != 0 { read() }
    }

    private func connectEnded() {
        let failure = LocalSocketDescriptor(owning: descriptor).pendingError
        guard failure == 0 else { return end(SystemError(errno: failure)) }
        state = .open
        watch()
        sockets.deliver(.connected(id))
        flush()
    }

    private func read() {
        guard state == .open || state == .closing, !isRemoteClosed else { return }
        let buffer = unsafe sockets.readBuffer
        let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        if count > 0 {
            guard state == .open else { return }
            let bytes = unsafe [UInt8](UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            return sockets.deliver(.received(id, bytes))
        }
        if count < 0 {
            if errno != EAGAIN && errno != EINTR { end() }
            return
        }
        isRemoteClosed = true
        guard state == .open, !LocalSocketDescriptor(owning: descriptor).isHungUp else { return end() }
        watch()
        // Nothing tells of a program that goes away after its own end of stream.
        let timer = LoopTimer(on: sockets.loop) { [weak self] in self?.checkGone() }
        timer.arm(after: sockets.limits.goneInterval, every: sockets.limits.goneInterval)
        goneTimer = timer
        sockets.deliver(.remoteClosedWrite(id))
    }

    private func checkGone() {
        if LocalSocketDescriptor(owning: descriptor).isHungUp { end() }
    }
}
