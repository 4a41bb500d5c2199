/// The bounds of one RPC.
///
/// What lies beyond a count is left out, not punished: a foreign node may know other limits.
public struct RPCLimits: Hashable, Sendable {
    /// Our records have at most 4 KiB and a reply at most 64 KiB of them; foreign networks use 1 MiB.
    public var byteCountMax = 256 << 10
    /// Rust's default, and how we split our own.
    public var subscriptionCountMax = 100
    /// As many of the smallest records as fill an RPC; keeps empty messages from multiplying memory.
    public var messageCountMax = 2048
    /// IHAVE, IWANT and IDONTWANT together; ids beyond it are left out.
    public var gossipByteCountMax = 16 << 10
    /// GRAFTs, and PRUNEs: a peer can hold no more topics than this.
    public var meshControlCountMax = 512
    /// Peers of one PRUNE.
    public var exchangeCountMax = 16
    /// A signed record of eight addresses has about 500 bytes.
    public var recordByteCountMax = 4 << 10

    /// A stranger's backoff in seconds is cut to an hour as it is read, before any arithmetic.
    static let backoffSecondsMax = 3600

    public init() {}
}
