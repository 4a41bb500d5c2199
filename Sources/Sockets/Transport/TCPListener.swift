internal import CUV
internal import Glibc
internal import Primitives
internal import Swarm

/// One listening socket.
///
/// It accepts by itself instead of by `uv_listen`, which turns for ever inside one callback when there are no descriptors left
/// and its reserve is gone.
final class TCPListener {
    let endpoint: Endpoint
    private let socket: SystemSocket
    private let transport: TCPTransport
    private let poll: UVHandle
    private var pause: LoopTimer?
    private var isOpen = true

    init(at endpoint: Endpoint, for transport: TCPTransport) throws(SystemError) {
        let socket = try SystemSocket.listening(at: endpoint, backlog: transport.limits.backlog)
        do throws(SystemError) {
            self.endpoint = try socket.localEndpoint()
        } catch {
            socket.close()
            throw error
        }
        let poll = unsafe UVHandle(UV_POLL, on: transport.loop) { memory in
            let native = unsafe memory.assumingMemoryBound(to: uv_poll_t.self)
            return unsafe uv_poll_init(transport.loop.pointer, native, socket.descriptor)
        }
        guard let poll else {
            socket.close()
            throw SystemError(errno: ENOMEM)
        }
        (self.socket, self.transport, self.poll) = (socket, transport, poll)
        poll.attach(self)
        watch()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        pause?.close()
        poll.close()
        socket.close()
    }

    private func watch() {
        guard isOpen else { return }
        unsafe uv_poll_start(poll.pointer(), Int32(UV_READABLE.rawValue)) { native, _, _ in
            (unsafe UVHandle.target(of: native) as? TCPListener)?.acceptWaiting()
        }
    }

    private func acceptWaiting() {
        for _ in 0..<transport.limits.acceptsPerTurnMax {
            guard isOpen else { return }
            do throws(SystemError) {
                let (descriptor, remote) = try socket.accept()
                transport.accepted(descriptor, from: remote)
            } catch {
                if error.isAny(of: EAGAIN, EWOULDBLOCK) { return }
                // Everything else concerns the one connection that accept(2) took from the queue, but for these:
                if error.isAny(of: EMFILE, ENFILE, ENOBUFS, ENOMEM) { return rest() }
            }
        }
    }

    /// Leaves new connections in the kernel's queue for a while: to poll a socket that cannot be served is a busy loop.
    private func rest() {
        unsafe uv_poll_stop(poll.pointer())
        let timer = pause ?? LoopTimer(on: transport.loop) { [weak self] in self?.watch() }
        pause = timer
        timer.arm(after: transport.limits.acceptPause)
    }
}
