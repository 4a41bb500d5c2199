internal import CUV
internal import Synchronization

/// Wakes the loop from any thread; several signals may arrive as one.
package final class LoopSignal {
    private let handle: UVHandle
    private let action: () -> Void
    package let sender: Sender

    package init(on loop: UVLoop, action: @escaping () -> Void) {
        let made = unsafe UVHandle(UV_ASYNC, on: loop) { memory in
            unsafe uv_async_init(loop.pointer, memory.assumingMemoryBound(to: uv_async_t.self)) { native in
                (unsafe UVHandle.target(of: native) as? LoopSignal)?.action()
            }
        }
        guard let made else { preconditionFailure("the loop's own descriptors were made with it") }
        self.action = action
        handle = made
        sender = Sender(made)
        made.attach(self)
    }

    /// Nothing can be sent when this returns.
    package func close() {
        sender.cut()
        handle.close()
    }

    /// The half that other threads hold; it may outlive the loop.
    package final class Sender: Sendable {
        // `@unchecked`, because `uv_async_send` may be called on any thread, and this pointer is used for nothing else, under the
        // lock alone; `cut` takes it away before the handle is closed. So nobody can send to memory that is gone.
        private struct Target: @unchecked Sendable {
            let handle: UVHandle
        }

        private let target: Mutex<Target?>

        fileprivate init(_ handle: UVHandle) {
            target = Mutex(Target(handle: handle))
        }

        package func send() {
            target.withLock { target in
                guard let target else { return }
                unsafe uv_async_send(target.handle.pointer())
            }
        }

        fileprivate func cut() {
            target.withLock { $0 = nil }
        }
    }
}
