public import Identity
public import Kademlia
public import Market
public import Primitives
public import Swarm

/// What is worth telling: the driver logs, counts and streams from these, and the machine never knows.
public enum NodeEvent: Sendable {
    case listening(Multiaddr)
    case listenFailed(Endpoint, TransportFailure)
    /// The listening sockets are up and the node may sign; `knowsPeers` says whether it has seeds or remembers anybody to dial.
    case ready(knowsPeers: Bool)
    case connected(ConnectionInfo)
    case disconnected(PeerID)
    /// A peer, perhaps one that the operator named, says that it is of the network of this name, which is not ours: it is let go.
    case otherNetwork(PeerID, String, isSeed: Bool)
    case connectFailed([Multiaddr], ConnectFailure)
    /// Rows of the market that came, changed or went.
    case listingsChanged([ListingChange])
    case recordRefused(PeerID?, RecordVerdict)
    case peerMisbehaved(PeerID, String)
    case connectionRefused(Endpoint, RefusalReason)
    /// A run of ours with a peer is over.
    case reconciled(PeerID, SyncOutcome)
    /// A search of the hash table is over; told before the answer to the command that it served, if it served one.
    case searched(LookupSummary, for: CommandID?)
    case storeFailed(StoreFailure)
    case storeRecovered
    /// Our key signs elsewhere too: nothing is signed until the operator resumes it.
    case signingStopped
    /// Wall time stepped against the monotonic clock.
    case clockStepped(milliseconds: Int64)
    /// A bid of ours came to a lease or to nothing.
    case bidEnded(BidStatus)
    /// A lease binds: a provider starts what it is for.
    case leaseStarted(LeaseSummary)
    /// It became ready, is to be reclaimed, or its receipt was signed.
    case leaseChanged(LeaseSummary)
    /// It was closed by either party: a provider takes its GPUs back.
    case leaseEnded(LeaseSummary)
    /// A program is to settle what a lease came to, and its answer waited for.
    case settlementDue(SettlementOrder)
    case stopping
}
