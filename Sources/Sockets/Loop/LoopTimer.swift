internal import CUV
internal import Primitives

/// One timer on the loop; it may be armed again and again until it is closed.
package final class LoopTimer {
    private let handle: UVHandle
    private var action: (() -> Void)?

    package init(on loop: UVLoop, action: @escaping () -> Void) {
        let made = unsafe UVHandle(UV_TIMER, on: loop) { memory in
            unsafe uv_timer_init(loop.pointer, memory.assumingMemoryBound(to: uv_timer_t.self))
        }
        guard let made else { preconditionFailure("a timer takes nothing but memory") }
        handle = made
        self.action = action
        handle.attach(self)
    }

    /// Fires once after `delay`, or again every `interval` if there is one; replaces what was armed.
    ///
    /// Whole milliseconds, rounded up and at least one: libuv would run a timer that arms itself with zero for ever.
    package func arm(after delay: Duration, every interval: Duration? = nil) {
        guard action != nil else { return }
        // The loop's clock stands still during a turn; a long turn must not make the timer early.
        unsafe uv_update_time(handle.pointer(as: uv_timer_t.self).pointee.loop)
        let period = interval.map { Self.milliseconds($0) } ?? 0
        unsafe uv_timer_start(
            handle.pointer(),
            { timer in (unsafe UVHandle.target(of: timer) as? LoopTimer)?.action?() },
            Self.milliseconds(delay),
            period
        )
    }

    /// Ends the timer and lets go of what its action holds.
    package func close() {
        action = nil
        handle.close()
    }

    private static func milliseconds(_ duration: Duration) -> UInt64 {
        let nanoseconds = duration.saturatedNanoseconds
        guard nanoseconds > 1_000_000 else { return 1 }
        let whole = nanoseconds / 1_000_000
        return UInt64(nanoseconds % 1_000_000 == 0 ? whole : whole + 1)
    }
}
