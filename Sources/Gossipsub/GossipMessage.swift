public import Identity

/// A message that a peer delivered and the owner shall judge.
public struct GossipMessage: Sendable {
    public let id: MessageID
    public let topic: Topic
    public let data: [UInt8]
    /// Who brought it; not who wrote it.
    public let source: PeerID
    /// Who signed it; `nil` in topics without signatures.
    public let author: PeerID?
    /// The author's sequence number; 0 in topics without signatures.
    public let sequence: UInt64
    /// What `data` is, if its publisher is in this process and said so; never for a message that was bytes.
    public let content: (any GossipContent)?
}

extension GossipMessage: Hashable {
    public static func == (left: GossipMessage, right: GossipMessage) -> Bool {
        left.id == right.id && left.topic == right.topic && left.data == right.data && left.source == right.source
            && left.author == right.author && left.sequence == right.sequence
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(topic)
        hasher.combine(source)
    }
}

/// Names one validation, from the output that asks for it to the input that answers it.
public struct ValidationID: Hashable, Comparable, Sendable {
    let number: UInt64

    public static func < (left: ValidationID, right: ValidationID) -> Bool {
        left.number < right.number
    }
}

/// The verdict over a message (gossipsub 1.1, "Extended Validators").
public enum Validation: Hashable, Sendable {
    /// Forward it and credit who brought it.
    case accept
    /// No honest node sends it: drop it and charge who brought it.
    case reject
    /// Drop it at nobody's cost. A final one is not asked about again; another copy of one that is not final is.
    case ignore(isFinal: Bool)
}

/// Another peer of a topic that someone recommended with PRUNE, with the proof of its addresses.
public struct PeerExchangeEntry: Hashable, Sendable {
    public let peer: PeerID
    public let addresses: [Multiaddr]
    /// The signed peer record as received, for the address book.
    public let envelope: [UInt8]
}
