internal import Gossipsub
internal import Market

/// A record beside its bytes, for nodes in the same process: read once, shared by all.
final class GossipedRecord: GossipContent {
    let read: ReadRecord

    init(_ record: SignedRecord) {
        read = ReadRecord(checking: record)
    }
}
