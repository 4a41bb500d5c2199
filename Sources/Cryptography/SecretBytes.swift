internal import CSodium

/// Bytes that nobody may read after their owner is gone: they are erased when the last reference is dropped.
///
/// A class, so that a key can be held by several machines, which are values, without being copied.
@safe public final class SecretBytes: Sendable {
    // Written in `init` and in `deinit` alone, when there is one reference: so it is safe to share.
    nonisolated(unsafe) private let storage: UnsafeMutableRawBufferPointer

    public var count: Int { unsafe storage.count }

    public init(_ bytes: [UInt8]) {
        unsafe storage = .allocate(byteCount: bytes.count, alignment: 16)
        unsafe storage.copyBytes(from: bytes)
    }

    deinit {
        unsafe sodium_memzero(storage.baseAddress, storage.count)
        unsafe storage.deallocate()
    }

    /// Lends the bytes for one computation; the closure must not keep the pointer.
    func withPointer<Result>(_ body: (UnsafePointer<UInt8>) -> Result) -> Result {
        guard let base = unsafe storage.baseAddress else { preconditionFailure("an empty secret has no bytes") }
        return unsafe body(UnsafePointer(base.assumingMemoryBound(to: UInt8.self)))
    }

    /// A copy that the caller must handle with the same care: for writing a key file, nothing else.
    public func reveal() -> [UInt8] {
        unsafe [UInt8](storage)
    }
}
