/// One line of the table: something measured, for both daemons or for ours alone.
enum Row: String, CaseIterable, Codable {
    case connect
    case gossipPair = "gossip-pair"
    case gossipMesh = "gossip-mesh"
    case gossipCPU = "gossip-cpu"
    case dhtProvide = "dht-provide"
    case dhtFind = "dht-find"
    case dhtClosest = "dht-closest"
    case stream
    case memoryIdle = "memory-idle"
    case memoryLoaded = "memory-loaded"
    case memoryConnection = "memory-connection"
    case recordPath = "record-path"
    case duplicates
    case store
    case search
    case trust
    case negotiation
    case awards
    case fingerprint

    var title: String {
        switch self {
        case .connect: "connect and identify, one after the other"
        case .gossipPair: "gossip 512 B, signed, 2 nodes, 8 in flight"
        case .gossipMesh: "gossip 512 B, signed, 8 nodes in full mesh, 16 in flight"
        case .gossipCPU: "processor time per delivery, 2 nodes"
        case .dhtProvide: "DHT of 8 nodes: provide, median"
        case .dhtFind: "DHT of 8 nodes: find providers, median"
        case .dhtClosest: "DHT of 8 nodes: closest peers, median"
        case .stream: "raw stream, writes of 64 KiB"
        case .memoryIdle: "resident memory, idle"
        case .memoryLoaded: "resident memory, 96 connections"
        case .memoryConnection: "memory per idle connection"
        case .recordPath: "record: frame, verdict, book; one core"
        case .duplicates: "duplicate dropped, 512 B; one core"
        case .store: "records stored in batches"
        case .search: "search of 100,000 offers, 4 conditions, sorted"
        case .trust: "trust of one peer over 100,000 receipts"
        case .negotiation: "bid to lease, both durable, loopback"
        case .awards: "awards of one provider, durable, 16 bidders"
        case .fingerprint: "fingerprint of a range over 40,000 records"
        }
    }

    var unit: String {
        switch self {
        case .connect, .gossipPair, .gossipMesh, .recordPath, .duplicates, .store, .awards: "1/s"
        case .gossipCPU, .fingerprint: "µs"
        case .stream: "MB/s"
        case .memoryIdle, .memoryLoaded: "MiB"
        case .memoryConnection: "KiB"
        case .search, .trust, .negotiation, .dhtProvide, .dhtFind, .dhtClosest: "ms"
        }
    }

    /// Whether more is better.
    var isRate: Bool {
        switch self {
        case .connect, .gossipPair, .gossipMesh, .stream, .recordPath, .duplicates, .store, .awards: true
        case .gossipCPU, .memoryIdle, .memoryLoaded, .memoryConnection, .search, .trust, .negotiation, .dhtProvide,
            .dhtFind, .dhtClosest, .fingerprint:
            false
        }
    }

    /// Whether there is something of go's to compare with.
    var isCompared: Bool {
        switch self {
        case .recordPath, .duplicates, .store, .search, .trust, .negotiation, .awards, .fingerprint: false
        case .connect, .gossipPair, .gossipMesh, .gossipCPU, .dhtProvide, .dhtFind, .dhtClosest, .stream, .memoryIdle,
            .memoryLoaded, .memoryConnection:
            true
        }
    }
}

/// A way to find some rows' figures.
protocol Workload {
    /// The rows that one round gives.
    var rows: [Row] { get }

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures
}

/// How long something takes, in seconds.
func seconds(_ work: () throws -> Void) rethrows -> Double {
    let clock = ContinuousClock()
    return try clock.measure(work) / .seconds(1)
}
