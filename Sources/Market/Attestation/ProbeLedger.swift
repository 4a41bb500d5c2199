public import Cryptography
internal import OrderedCollections

/// Who was there when this node looked, and who was not.
///
/// A probe is a connection, made or still open: it says that the provider's node answers, not that its GPUs work.
public struct ProbeLedger: Sendable {
    /// Providers that are watched at a time; of more the one that was not probed for longest is forgotten.
    public static let providerCountMax = 4_096
    /// Fewer probes say nothing.
    public static let probeCountMin = 6
    /// A window is told once it is this long, and then a new one begins; in milliseconds.
    public static let windowMilliseconds: Int64 = 86_400_000

    public struct Window: Hashable, Sendable {
        public var from: Int64
        public var to: Int64
        public var asked = 0
        public var answered = 0

        /// The share of the probes that were answered, in millionths.
        public var answeredMicros: Int64 { asked == 0 ? 0 : Int64(answered) * 1_000_000 / Int64(asked) }
    }

    private var windows: OrderedDictionary<Ed25519.PublicKey, Window> = [:]

    public init() {}

    public var providerCount: Int { windows.count }

    public func window(of provider: Ed25519.PublicKey) -> Window? { windows[provider] }

    /// Notes one probe at a time in milliseconds since the Unix epoch.
    public mutating func note(_ provider: Ed25519.PublicKey, isAnswered: Bool, at now: Int64) {
        var window = windows.removeValue(forKey: provider) ?? Window(from: now, to: now)
        window.to = max(window.to, now)
        window.asked += 1
        window.answered += isAnswered ? 1 : 0
        windows[provider] = window
        if windows.count > Self.providerCountMax { windows.removeFirst() }
    }

    /// Takes out the windows that are long enough and say enough, and begins new ones.
    public mutating func takeDue(at now: Int64) -> [(provider: Ed25519.PublicKey, window: Window)] {
        let due = windows.elements.filter {
            now - $0.value.from >= Self.windowMilliseconds && $0.value.asked >= Self.probeCountMin
        }
        for (provider, _) in due { windows[provider] = nil }
        return due.map { (provider: $0.key, window: $0.value) }
    }
}

extension AttestationBody {
    /// What probes say about a provider.
    public init(uptimeOf provider: Ed25519.PublicKey, in marketClass: MarketClass, _ window: ProbeLedger.Window) {
        self.init(
            marketClass: marketClass,
            provider: provider,
            kind: .uptime,
            metric: "answered",
            valueMicros: window.answeredMicros,
            unit: "ratio",
            method: "probe/1",
            // A single probe is a moment; a window has a length.
            from: min(window.from, window.to - 1),
            to: window.to
        )
    }

    /// How an attester's own leases with a provider went; `nil` without any.
    ///
    /// The digests are the ids of its newest countersignatures, which anybody may look up.
    public init?(
        outcomesOf provider: Ed25519.PublicKey,
        in marketClass: MarketClass,
        _ receipts: [(id: RecordID, evidence: TrustEvidence)]
    ) {
        let own = receipts.filter { $0.evidence.provider == provider }.sorted { $0.evidence.at < $1.evidence.at }
        guard let first = own.first, let last = own.last else { return nil }
        let good = own.reduce(Int64(0)) { $0 + $1.evidence.outcome }
        let from = max(first.evidence.at, last.evidence.at - Bounds.windowMillisecondsMax + 1)
        self.init(
            marketClass: marketClass,
            provider: provider,
            kind: .outcome,
            metric: "leases-well",
            valueMicros: good / Int64(own.count),
            unit: "ratio",
            method: "receipts/1",
            digests: own.suffix(Bounds.digestCountMax).map(\.id.bytes),
            from: min(from, last.evidence.at - 1),
            to: last.evidence.at
        )
    }
}
