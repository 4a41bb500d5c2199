public import Cryptography
public import Swarm

extension NodeMachine {
    /// What the driver must do, or what is worth telling; in order.
    public enum Output: Sendable {
        case transport(TransportOutput)
        /// At most `NodeLimits.signatureBatchCountMax` checks.
        case verify(BatchID, [SignatureCheck])
        case persist(Ticket, [StoreChange])
        case answer(CommandID, NodeAnswer)
        case event(NodeEvent)
        /// The orderly end: nothing follows.
        case stopped
    }
}
