public import Cryptography
public import Gossipsub
public import Swarm

extension NodeMachine {
    /// What the driver must do, or what is worth telling; in order.
    public enum Output: Sendable {
        /// In the machine's seat (``SwarmSeat``).
        indirect case transport(TransportOutput)
        /// In the driver's seat: what its swarm must do.
        indirect case swarm(SwarmMachine.Input)
        /// In the driver's seat with typed gossip: one RPC on our gossip stream to a peer.
        case rpc(StreamHandle, GossipRPC)
        /// At most `NodeLimits.signatureBatchCountMax` checks.
        case verify(BatchID, [SignatureCheck])
        case persist(Ticket, [StoreChange])
        /// A datagram to the group of multicast DNS.
        case multicast([UInt8])
        indirect case answer(CommandID, NodeAnswer)
        indirect case event(NodeEvent)
        /// The orderly end: nothing follows.
        case stopped
    }
}
