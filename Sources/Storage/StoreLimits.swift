/// The bounds of what is kept and what is read back; each is a guess of ours unless it says where it comes from.
package struct StoreLimits: Sendable {
    /// Pages of 4 KiB that each file may have: 4 GiB.
    ///
    /// A disk that fills up is somebody else's outage too.
    package var pageCountMax = 1 << 20
    package var factCountMax = 10_000
    package var ownRecordCountMax = 100_000
    /// Of each table of leases and what belongs to them.
    package var rowCountMax = 1_000_000
    package var recordCountMax = 1_000_000
    package var floorCountMax = 1_000_000
    package var peerCountMax = 10_000
    /// Damaged caches that are kept for whoever wants to know why.
    package var setAsideCountMax = 3

    /// A gossiped message is far smaller; a row with more was not written by us.
    static let envelopeByteCountMax = 64 << 10
    static let factByteCountMax = 1 << 20
    static let factNameByteCountMax = 256
    /// A conflict's subject has 17 bytes.
    static let subjectByteCountMax = 64
    static let peerByteCountMax = 128
    static let addressCountMax = 32

    package init() {}
}
