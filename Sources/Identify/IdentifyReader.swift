internal import Primitives

/// Gathers a peer's identification from a stream, in one message or in parts, until the peer ends the stream.
///
/// The same for an answer and for a push. It holds at most one message of 8 KiB besides the merged one.
public struct IdentifyReader: Sendable {
    /// Bytes of one message: what go reads.
    public static let messageByteCountMax = 8 << 10
    /// Parts of one identification: what go reads.
    public static let messageCountMax = 10

    private var frames = LengthPrefixedFrames(byteCountMax: messageByteCountMax)
    private var message = IdentifyMessage()
    private var messageCount = 0

    public init() {}

    /// Reads bytes of the stream, split in any way; after an error the owner resets the stream.
    public mutating func receive(_ bytes: [UInt8]) throws(IdentifyError) {
        frames.append(bytes)
        while let part = try next() {
            messageCount += 1
            guard messageCount <= Self.messageCountMax else { throw .tooManyMessages }
            do throws(ProtobufError) {
                message = message.merging(try IdentifyMessage(parsing: part.span))
            } catch {
                throw .malformed(error)
            }
        }
    }

    /// The whole message, once the peer has ended the stream.
    public func finished() throws(IdentifyError) -> IdentifyMessage {
        guard messageCount > 0, frames.pendingByteCount == 0 else { throw .truncated }
        return message
    }

    private mutating func next() throws(IdentifyError) -> [UInt8]? {
        do throws(LengthPrefixedFrames.Failure) {
            return try frames.next()
        } catch {
            throw .frame(error)
        }
    }
}

extension IdentifyMessage {
    /// What rust-libp2p accepts in one message; ours are never longer.
    public static let ownByteCountMax = 4 << 10
    /// Beyond this the signed record travels in a message of its own, as go does it.
    public static let ownByteCountBeforeSplit = 2 << 10

    /// The messages that we send, each with its length in front: one, or two if the signed record makes it long.
    ///
    /// Each is at most 4 KiB: addresses that do not fit are left out from the end, and a record that does not fit altogether.
    /// Our protocols alone must fit.
    public func encodedFrames() -> [UInt8] {
        let whole = encoded()
        guard whole.count > Self.ownByteCountBeforeSplit, let signedPeerRecord else {
            return LengthPrefixedFrames.framed(fitted(whole))
        }
        var claims = self
        claims.signedPeerRecord = nil
        var record = IdentifyMessage()
        record.signedPeerRecord = signedPeerRecord
        let sealed = record.encoded()
        let first = LengthPrefixedFrames.framed(claims.fitted(claims.encoded()))
        return sealed.count <= Self.ownByteCountMax ? first + LengthPrefixedFrames.framed(sealed) : first
    }

    private func fitted(_ bytes: [UInt8]) -> [UInt8] {
        var (fitting, encoded) = (self, bytes)
        while encoded.count > Self.ownByteCountMax {
            precondition(
                !fitting.listenAddresses.isEmpty,
                "an identification without addresses has \(encoded.count) bytes"
            )
            fitting.listenAddresses.removeLast()
            encoded = fitting.encoded()
        }
        return encoded
    }
}
