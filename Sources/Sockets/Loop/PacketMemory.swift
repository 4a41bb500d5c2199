internal import CUV

/// How the C library keeps the memory of packets.
package enum PacketMemory {
    /// Bytes that are free at the end of the heap and not given back.
    private static let keptByteCount: Int32 = 4 << 20
    /// Larger blocks come from the kernel, page by page, and go back to it.
    private static let blockByteCountMax: Int32 = 1 << 20

    /// Keeps what a busy moment needs.
    ///
    /// Buffers of a few hundred KiB come and go with every packet; by default each would be mapped, filled with zeros by the
    /// kernel and unmapped, which costs more than to encrypt it. One heap is enough for a program of one thread.
    package static func keep() {
        rialto_keep_heap(keptByteCount, blockByteCountMax)
    }
}
