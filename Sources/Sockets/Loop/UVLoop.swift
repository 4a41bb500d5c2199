internal import CUV
internal import Glibc

/// One libuv loop; it and everything on it belong to the thread that runs it.
@safe package final class UVLoop {
    let pointer: UnsafeMutablePointer<uv_loop_t>
    /// Handles that were initialised and whose close callback has not run yet.
    var openHandleCount = 0

    package init() {
        // libuv writes with write(2): a peer that resets its connection must not end the process.
        _ = signal(SIGPIPE, SIG_IGN)
        unsafe pointer = .allocate(capacity: 1)
        let status = unsafe uv_loop_init(pointer)
        precondition(status == 0, "libuv could not make a loop: \(SystemError(code: status).name)")
    }

    /// Turns until `stop`, or until nothing is left that could ever happen.
    package func run() {
        _ = unsafe uv_run(pointer, UV_RUN_DEFAULT)
    }

    /// Waits for one round of events and handles them.
    package func runOnce() {
        _ = unsafe uv_run(pointer, UV_RUN_ONCE)
    }

    /// Handles what is there already.
    package func runOnceWithoutWaiting() {
        _ = unsafe uv_run(pointer, UV_RUN_NOWAIT)
    }

    /// Makes `run` return at the end of this turn.
    package func stop() {
        unsafe uv_stop(pointer)
    }

    /// Lets the close callbacks run and frees the loop; every handle must have been closed.
    ///
    /// A name look-up that still waits for its server cannot be called back and will write into the loop when it ends: then
    /// the loop's few hundred bytes stay until the process ends.
    package func close() {
        while openHandleCount > 0 {
            _ = unsafe uv_run(pointer, UV_RUN_NOWAIT)
        }
        if unsafe uv_loop_close(pointer) == 0 {
            unsafe pointer.deallocate()
        }
    }
}
