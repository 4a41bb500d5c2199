internal import Primitives

/// The limits of the sockets; each is a guess of ours unless it says where it comes from.
package struct TCPLimits: Sendable {
    /// A dial that the peer's system neither takes nor refuses; Linux itself would try for two minutes.
    package var connectTimeout = Duration.seconds(10)
    /// How long a closed connection may still send what it had queued.
    package var flushTimeout = Duration.seconds(5)
    /// How long a connection whose bytes are all sent waits for the peer's own end, so that the kernel need not reset it.
    package var lingerTimeout = Duration.seconds(1)
    /// Unsent bytes above which a connection is congested.
    package var highWaterByteCount = 1 << 20
    /// Unsent bytes below which it is drained again.
    package var lowWaterByteCount = 256 << 10
    /// Unsent bytes that end a connection: whoever lets so much pile up ignored `congested`.
    package var unsentByteCountMax = 8 << 20
    /// Bytes that wait inside libuv; more stay in our own buffer, so that progress shows.
    package var blockByteCountMax = 256 << 10
    /// The kernel's queue of connections that nobody accepted yet.
    package var backlog: Int32 = 512
    /// Connections accepted in one go, so that a flood of them cannot starve those that are open.
    package var acceptsPerTurnMax = 64
    /// How long nothing is accepted after the system ran out of descriptors.
    package var acceptPause = Duration.seconds(1)
    /// How often the addresses of the interfaces are looked up.
    package var interfaceInterval = Duration.seconds(60)
    /// Look-ups of names at a time: as many as libuv has threads for.
    package var lookupCountMax = 4
    /// Look-ups that wait for their turn; more fail at once.
    package var waitingLookupCountMax = 256

    package init() {}
}
