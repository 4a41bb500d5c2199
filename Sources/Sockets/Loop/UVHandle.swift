internal import CUV

/// The memory of one libuv handle, from its initialisation until its close callback has run, and not a moment less.
///
/// libuv keeps the pointer; so the handle retains itself while it is open, and with it `target`, whom the callbacks are for.
@safe final class UVHandle {
    private let memory: UnsafeMutableRawPointer
    private let loop: UVLoop
    /// Who the callbacks are for; cut when the handle is closed, which breaks the cycle.
    private(set) var target: AnyObject?

    /// `nil` when libuv refuses, which only happens when the system has no descriptors left.
    init?(_ kind: uv_handle_type, on loop: UVLoop, initialize: (UnsafeMutableRawPointer) -> Int32) {
        unsafe memory = .allocate(byteCount: uv_handle_size(kind), alignment: 16)
        self.loop = loop
        guard unsafe initialize(memory) == 0 else {
            unsafe memory.deallocate()
            return nil
        }
        loop.openHandleCount += 1
        unsafe uv_handle_set_data(raw, Unmanaged.passRetained(self).toOpaque())
    }

    /// Makes the callbacks reach `target`.
    func attach(_ target: AnyObject) {
        self.target = target
    }

    /// The memory as the C type that `init` made of it.
    func pointer<Native>(as type: Native.Type = Native.self) -> UnsafeMutablePointer<Native> {
        unsafe memory.assumingMemoryBound(to: type)
    }

    private var raw: UnsafeMutablePointer<uv_handle_t> { unsafe pointer() }

    /// Whom a callback on this native handle is for; `nil` once it is closed.
    static func target(of native: UnsafeMutableRawPointer?) -> AnyObject? {
        guard let native = unsafe native else { return nil }
        let data = unsafe uv_handle_get_data(native.assumingMemoryBound(to: uv_handle_t.self))
        guard let data = unsafe data else { return nil }
        return unsafe Unmanaged<UVHandle>.fromOpaque(data).takeUnretainedValue().target
    }

    /// Closes the handle; a second call has no effect, because libuv would abort the process.
    func close() {
        guard unsafe uv_is_closing(raw) == 0 else { return }
        unsafe uv_close(raw, Self.closed)
    }

    /// Closes a TCP handle by a reset, so that nothing of it lingers in the kernel.
    func closeByReset() {
        guard unsafe uv_is_closing(raw) == 0 else { return }
        // libuv refuses while a shutdown is under way: then the plain close must do.
        guard unsafe uv_tcp_close_reset(pointer(), Self.closed) != 0 else { return }
        unsafe uv_close(raw, Self.closed)
    }

    private static let closed: uv_close_cb = { native in
        guard let data = unsafe uv_handle_get_data(native) else { return }
        unsafe Unmanaged<UVHandle>.fromOpaque(data).takeRetainedValue().released()
    }

    private func released() {
        target = nil
        loop.openHandleCount -= 1
        unsafe memory.deallocate()
    }
}
