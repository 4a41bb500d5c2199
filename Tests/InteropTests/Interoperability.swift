import TestSupport
import Testing

/// Rialto against libp2p implementations that others wrote: go-libp2p 0.32 (the daemon `p2pd`) and py-libp2p 0.8.
///
/// The peers are real processes on the loopback interface, fetched by `bootstrap/peers`; where they are not, the suites are
/// skipped. Our side is the shipped stack (`Swarm`, `Gossipsub` and the sockets of `EventLoop`) on a thread of its own.
/// One test runs at a time, because a small machine does not hold more. Nothing waits for a fixed time: tests wait for
/// events, and a wait in vain fails.
@Suite(
    .serialized,
    .enabled(if: ForeignPeers.areInstalled, "\(ForeignPeers.absence)"),
    .timeLimit(.minutes(1))
)
struct `Interoperability` {}
