internal import CUV

/// Runs an action in every turn of the loop, before it waits for events and after they were handled.
package final class TurnHook {
    private let before: UVHandle
    private let after: UVHandle
    private let idle: UVHandle
    private var action: (() -> Void)?

    package init(on loop: UVLoop, action: @escaping () -> Void) {
        self.action = action
        let before = unsafe UVHandle(UV_PREPARE, on: loop) { memory in
            unsafe uv_prepare_init(loop.pointer, memory.assumingMemoryBound(to: uv_prepare_t.self))
        }
        let after = unsafe UVHandle(UV_CHECK, on: loop) { memory in
            unsafe uv_check_init(loop.pointer, memory.assumingMemoryBound(to: uv_check_t.self))
        }
        let idle = unsafe UVHandle(UV_IDLE, on: loop) { memory in
            unsafe uv_idle_init(loop.pointer, memory.assumingMemoryBound(to: uv_idle_t.self))
        }
        guard let before, let after, let idle else { preconditionFailure("hooks take nothing but memory") }
        (self.before, self.after, self.idle) = (before, after, idle)
        before.attach(self)
        after.attach(self)
        unsafe uv_prepare_start(before.pointer()) { native in
            (unsafe UVHandle.target(of: native) as? TurnHook)?.action?()
        }
        unsafe uv_check_start(after.pointer()) { native in
            (unsafe UVHandle.target(of: native) as? TurnHook)?.action?()
        }
    }

    /// Whether the next turn must come at once, even if nothing happens.
    package func setUrgent(_ isUrgent: Bool) {
        guard action != nil else { return }
        if isUrgent {
            unsafe uv_idle_start(idle.pointer()) { _ in }
        } else {
            unsafe uv_idle_stop(idle.pointer())
        }
    }

    package func close() {
        action = nil
        for handle in [before, after, idle] { handle.close() }
    }
}
