internal import Primitives

/// A secured connection after its handshake: frames of a big-endian length of two bytes and as many encrypted bytes.
///
/// Any failure is the end: later calls fail in the same way, and the owner closes the connection. Source: libp2p/specs, noise,
/// "Wire Format".
public struct NoiseTransport: Sendable {
    /// A frame's ciphertext with its tag (Noise §3).
    public static let messageByteCountMax = 65535
    public static let plaintextByteCountMax = messageByteCountMax - CipherState.tagByteCount
    private static let headerByteCount = 2

    private var sending: CipherState
    private var receiving: CipherState
    private var failure: NoiseFailure?

    /// The start of a frame that has not come whole, header included: at most one frame.
    private var pending: [UInt8] = []

    package init(sending: CipherState, receiving: CipherState) {
        (self.sending, self.receiving) = (sending, receiving)
    }

    /// Bytes that wait for the rest of their frame.
    public var pendingByteCount: Int { pending.count }

    /// Appends as many frames as the plaintext needs to `output`; none if it is empty.
    public mutating func seal(_ plaintext: [UInt8], into output: inout [UInt8]) throws(NoiseFailure) {
        if let failure { throw failure }
        let frameCount = (plaintext.count + Self.plaintextByteCountMax - 1) / Self.plaintextByteCountMax
        guard sending.messageCountLeft >= UInt64(frameCount) else { throw fail(.nonceExhausted) }
        reserve(plaintext.count + frameCount * (Self.headerByteCount + CipherState.tagByteCount), in: &output)
        let source = plaintext.span
        var start = 0
        while start < source.count {
            let end = min(start + Self.plaintextByteCountMax, source.count)
            let length = end - start + CipherState.tagByteCount
            output.append(UInt8(truncatingIfNeeded: length >> 8))
            output.append(UInt8(truncatingIfNeeded: length))
            try sending.encryptWithAd([], source.extracting(start..<end), into: &output)
            start = end
        }
    }

    /// Appends the plaintext of every frame that is now whole to `plaintext`; keeps the start of an incomplete one.
    ///
    /// After a failure the frames before the bad one are there; nothing of the bad one is.
    public mutating func receive(_ bytes: [UInt8], into plaintext: inout [UInt8]) throws(NoiseFailure) {
        if let failure { throw failure }
        do throws(NoiseFailure) {
            // About as much comes out as went in; the room is made once.
            if plaintext.isEmpty { plaintext.reserveCapacity(bytes.count) }
            let source = bytes.span
            var offset = try completePending(from: source, into: &plaintext)
            // What lies whole in the caller's bytes is decrypted where it lies.
            while let end = try frameEnd(in: source, at: offset) {
                try open(source.extracting((offset + Self.headerByteCount)..<end), into: &plaintext)
                offset = end
            }
            append(source.extracting(offset..<source.count))
        } catch {
            throw fail(error)
        }
        checkInvariants()
    }

    /// Stops a debug build if more than one incomplete frame is kept.
    public func checkInvariants() {
        assert(pending.count < Self.headerByteCount + Self.messageByteCountMax)
    }

    /// Feeds the pending frame from the front of `source`; gives the number of bytes used.
    private mutating func completePending(
        from source: borrowing Span<UInt8>,
        into plaintext: inout [UInt8]
    ) throws(NoiseFailure) -> Int {
        guard !pending.isEmpty else { return 0 }
        var offset = 0
        while pending.count < Self.headerByteCount && offset < source.count {
            pending.append(source[offset])
            offset += 1
        }
        guard pending.count >= Self.headerByteCount else { return offset }
        let length = try Self.ciphertextByteCount(pending[0], pending[1])
        let missing = min(Self.headerByteCount + length - pending.count, source.count - offset)
        append(source.extracting(offset..<offset + missing))
        offset += missing
        guard pending.count == Self.headerByteCount + length else { return offset }
        // Taken out and put back empty: the next frame finds its storage again.
        var frame: [UInt8] = []
        swap(&frame, &pending)
        try open(frame.span.extracting(Self.headerByteCount...), into: &plaintext)
        frame.removeAll(keepingCapacity: true)
        swap(&frame, &pending)
        return offset
    }

    /// Where the frame that starts at `offset` ends, if the source holds all of it.
    private func frameEnd(in source: borrowing Span<UInt8>, at offset: Int) throws(NoiseFailure) -> Int? {
        guard pending.isEmpty, source.count - offset >= Self.headerByteCount else { return nil }
        let end = try offset + Self.headerByteCount + Self.ciphertextByteCount(source[offset], source[offset + 1])
        return end <= source.count ? end : nil
    }

    private mutating func open(_ ciphertext: borrowing Span<UInt8>, into plaintext: inout [UInt8]) throws(NoiseFailure)
    {
        try receiving.decryptWithAd([], ciphertext, into: &plaintext)
    }

    private mutating func append(_ source: borrowing Span<UInt8>) {
        // The array copies the bytes before the closure returns.
        unsafe source.withUnsafeBufferPointer { bytes in unsafe pending.append(contentsOf: bytes) }
    }

    private static func ciphertextByteCount(_ high: UInt8, _ low: UInt8) throws(NoiseFailure) -> Int {
        let wire = UInt16(high) << 8 | UInt16(low)
        let bounds = CipherState.tagByteCount...messageByteCountMax
        guard let length = WireInteger(wire).int(in: bounds) else { throw .messageLength(wire) }
        return length
    }

    /// Makes room at once but at least doubles, so that a buffer that is filled in many steps does not grow at each.
    private func reserve(_ byteCount: Int, in output: inout [UInt8]) {
        let needed = output.count + byteCount
        if needed > output.capacity { output.reserveCapacity(max(needed, 2 * output.capacity)) }
    }

    /// Remembers the end and drops what waits.
    private mutating func fail(_ failure: NoiseFailure) -> NoiseFailure {
        self.failure = failure
        pending = []
        return failure
    }
}
