internal import CUV

/// Hears a signal that the system sends to this process, such as SIGTERM, on the loop.
package final class LoopProcessSignal {
    private let handle: UVHandle
    private let action: () -> Void

    package init(_ number: Int32, on loop: UVLoop, action: @escaping () -> Void) {
        let made = unsafe UVHandle(UV_SIGNAL, on: loop) { memory in
            unsafe uv_signal_init(loop.pointer, memory.assumingMemoryBound(to: uv_signal_t.self))
        }
        guard let made else { preconditionFailure("a signal takes nothing but memory") }
        (handle, self.action) = (made, action)
        made.attach(self)
        unsafe uv_signal_start(
            made.pointer(),
            { native, _ in (unsafe UVHandle.target(of: native) as? LoopProcessSignal)?.action() },
            number
        )
    }

    package func close() {
        handle.close()
    }
}
