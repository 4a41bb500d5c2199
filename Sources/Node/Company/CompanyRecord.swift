internal import Identity
internal import Primitives

/// The peers that a node returns to after a restart: its anchors first, then others that it has reached.
struct CompanyRecord: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        let peer: PeerID
        let addresses: [Multiaddr]
        let isAnchor: Bool
    }

    static let factName = "company"
    static let memberCountMax = 66
    static let addressCountMax = 4
    private static let version: UInt8 = 1

    private(set) var members: [Member] = []

    init(_ members: [Member]) {
        self.members = members.prefix(Self.memberCountMax).map {
            let addresses = Array($0.addresses.prefix(Self.addressCountMax))
            return Member(peer: $0.peer, addresses: addresses, isAnchor: $0.isAnchor)
        }
    }

    var bytes: [UInt8] {
        var bytes = [Self.version]
        for member in members {
            bytes.append(member.isAnchor ? 1 : 0)
            bytes += LengthPrefixedFrames.framed(member.peer.bytes)
            bytes.append(UInt8(member.addresses.count))
            for address in member.addresses { bytes += LengthPrefixedFrames.framed(address.bytes) }
        }
        return bytes
    }

    /// Reads what was stored; whatever cannot be read ends the list, for all of it can be found anew.
    init(reading bytes: [UInt8]) {
        guard bytes.first == Self.version else { return }
        var (offset, members) = (1, [Member]())
        /// The next piece behind its length.
        func piece() -> [UInt8]? {
            guard let length = try? UnsignedVarint.read(from: bytes.span, at: &offset),
                let count = length.int(in: 0...Multiaddr.byteCountMax), bytes.count - offset >= count
            else { return nil }
            defer { offset += count }
            return Array(bytes[offset..<offset + count])
        }
        while members.count < Self.memberCountMax, offset < bytes.count {
            let flag = bytes[offset]
            offset += 1
            guard let peer = piece().flatMap({ try? PeerID(bytes: $0) }), offset < bytes.count else { break }
            let count = Int(bytes[offset])
            offset += 1
            guard count <= Self.addressCountMax else { break }
            let addresses = (0..<count).compactMap { _ in piece().flatMap { try? Multiaddr(bytes: $0) } }
            guard addresses.count == count else { break }
            members.append(Member(peer: peer, addresses: addresses, isAnchor: flag == 1))
        }
        self.members = members
    }
}
