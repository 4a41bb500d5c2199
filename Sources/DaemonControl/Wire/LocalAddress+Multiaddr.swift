internal import Identity
internal import Primitives
package import Sockets

/// The two kinds of multiaddr at which programs of one machine meet: `/unix/<path>` and `/ip4/…/tcp/…`.
extension LocalAddress {
    /// The code of `unix` (multiformats/multiaddr, protocols.csv); its value is the path behind its length.
    private static let unixCode = 400
    private static let unixPrefix = "/unix"

    /// Reads the text form; everything behind `/unix` is the path.
    package init(multiaddr text: String) throws(ControlError) {
        if text.hasPrefix(Self.unixPrefix + "/") {
            self = .path(String(text.dropFirst(Self.unixPrefix.count)))
        } else {
            guard let endpoint = (try? Multiaddr(text: text))?.tcpEndpoint else {
                throw .refused("\(text) is neither /unix/<path> nor /ip4/<address>/tcp/<port>")
            }
            self = .endpoint(endpoint)
        }
    }

    /// Reads the binary form.
    package init(multiaddr bytes: [UInt8]) throws(ControlError) {
        var offset = 0
        if let code = try? UnsignedVarint.read(from: bytes.span, at: &offset), code.opaque == UInt64(Self.unixCode) {
            guard let length = try? UnsignedVarint.read(from: bytes.span, at: &offset),
                let count = length.int(in: 1...bytes.count), bytes.count - offset == count,
                let path = String(validating: bytes[offset...], as: UTF8.self)
            else { throw .refused("the path of a unix address cannot be read") }
            self = .path(path)
        } else {
            guard let endpoint = (try? Multiaddr(bytes: bytes))?.tcpEndpoint else {
                throw .refused("an address is neither /unix/<path> nor /ip4/<address>/tcp/<port>")
            }
            self = .endpoint(endpoint)
        }
    }

    /// The text form.
    package var multiaddr: String {
        switch self {
        case .path(let path): Self.unixPrefix + (path.hasPrefix("/") ? path : "/" + path)
        case .endpoint(let endpoint): Multiaddr(endpoint: endpoint).description
        }
    }

    /// The binary form.
    package var multiaddrBytes: [UInt8] {
        switch self {
        case .path(let path):
            var bytes: [UInt8] = []
            UnsignedVarint.append(Self.unixCode, to: &bytes)
            return bytes + LengthPrefixedFrames.framed(Array(path.utf8))
        case .endpoint(let endpoint):
            return Multiaddr(endpoint: endpoint).bytes
        }
    }
}
