internal import CUV
internal import Glibc
internal import Primitives
internal import Swarm

/// One socket at which programs of this machine connect.
final class LocalListener {
    let address: LocalAddress
    private let socket: LocalSocketDescriptor
    private let sockets: LocalSockets
    private let poll: UVHandle
    private var pause: LoopTimer?
    private var isOpen = true

    init(at address: LocalAddress, for sockets: LocalSockets) throws(SystemError) {
        let socket = try LocalSocketDescriptor(for: address)
        do throws(SystemError) {
            self.address = try socket.listen(at: address, backlog: sockets.limits.backlog)
        } catch {
            socket.close()
            throw error
        }
        let poll = unsafe UVHandle(UV_POLL, on: sockets.loop) { memory in
            let native = unsafe memory.assumingMemoryBound(to: uv_poll_t.self)
            return unsafe uv_poll_init(sockets.loop.pointer, native, socket.descriptor)
        }
        guard let poll else {
            socket.close()
            throw SystemError(errno: ENOMEM)
        }
        (self.socket, self.sockets, self.poll) = (socket, sockets, poll)
        poll.attach(self)
        watch()
    }

    /// Takes the path away, too: it is ours, because `listen` made it.
    func close() {
        guard isOpen else { return }
        isOpen = false
        pause?.close()
        poll.close()
        socket.close()
        if case .path(let path) = address { _ = unsafe unlink(path) }
    }

    private func watch() {
        guard isOpen else { return }
        unsafe uv_poll_start(poll.pointer(), Int32(UV_READABLE.rawValue)) { native, _, _ in
            (unsafe UVHandle.target(of: native) as? LocalListener)?.acceptWaiting()
        }
    }

    private func acceptWaiting() {
        for _ in 0..<sockets.limits.acceptsPerTurnMax {
            guard isOpen else { return }
            do throws(SystemError) {
                sockets.accepted(try socket.accept())
            } catch {
                if error.isAny(of: EAGAIN, EWOULDBLOCK) { return }
                // Everything else concerns the one program that accept(2) took from the queue, but for these:
                if error.isAny(of: EMFILE, ENFILE, ENOBUFS, ENOMEM) { return rest() }
            }
        }
    }

    /// Leaves new programs in the kernel's queue for a while, as `TCPListener` does, and for the same reason.
    private func rest() {
        unsafe uv_poll_stop(poll.pointer())
        let timer = pause ?? LoopTimer(on: sockets.loop) { [weak self] in self?.watch() }
        pause = timer
        timer.arm(after: sockets.limits.acceptPause)
    }
}
