internal import CLZ4

/// Why a block was refused.
public enum LZ4Error: Error, Hashable, Sendable {
    /// Said to hold more than the caller allows, or more than LZ4 can pack into its bytes.
    case tooLong(Int)
    /// The bytes are no block, or not one of the said length.
    case malformed
}

/// One LZ4 block: bytes in, bytes out, both with a bound that is known before anything is allocated.
///
/// A block does not say how long its content is, so whoever sends one says it beside: here it is checked before it is believed. Nothing
/// of a block is used unless all of it was well-formed. Source: lz4, "LZ4 Block Format Description".
public enum LZ4Block {
    /// The longest content: what a reader of ours may be asked to hold at once.
    public static let contentByteCountMax = 1 << 20
    /// How much a byte of a block can stand for: a match grows by at most 255 with each.
    static let expansionMax = 255

    /// The block of at most `contentByteCountMax` bytes; never longer than `bound(of:)` says.
    public static func compress(_ content: [UInt8]) -> [UInt8] {
        precondition(content.count <= contentByteCountMax, "a block of \(content.count) bytes")
        let capacity = bound(of: content.count)
        return unsafe [UInt8](unsafeUninitializedCapacity: capacity) { block, count in
            unsafe content.withUnsafeBytes { source in
                let written = unsafe LZ4_compress_default(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(block.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(content.count),
                    Int32(capacity)
                )
                count = Int(written)
            }
        }
    }

    /// The content of a block that is said to hold exactly `byteCount` bytes.
    public static func decompress(_ block: [UInt8], byteCount: Int) throws(LZ4Error) -> [UInt8] {
        guard byteCount >= 0, byteCount <= contentByteCountMax,
            block.count <= bound(of: contentByteCountMax), byteCount <= block.count * expansionMax
        else { throw .tooLong(byteCount) }
        var written: Int32 = -1
        let content = unsafe [UInt8](unsafeUninitializedCapacity: max(1, byteCount)) { buffer, count in
            unsafe block.withUnsafeBytes { source in
                unsafe written = LZ4_decompress_safe(
                    source.baseAddress?.assumingMemoryBound(to: CChar.self),
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    Int32(block.count),
                    Int32(byteCount)
                )
            }
            count = max(0, Int(written))
        }
        guard Int(written) == byteCount else { throw .malformed }
        return content
    }

    /// The longest block that so many bytes can have.
    public static func bound(of byteCount: Int) -> Int { byteCount + byteCount / 255 + 16 }
}
