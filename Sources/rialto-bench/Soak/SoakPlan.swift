/// How much, and for how long.
struct SoakPlan {
    static let graphics = ["rtx-4090", "rtx-a6000", "a10"]
    /// A subject is passed on once in ten seconds at most.
    static let updateInterval = 12.0
    /// A provider may have 64 offers of each class on the market; one of them is the timed one.
    static let offersPerProviderMax = 64 * graphics.count - 1

    /// All but the last publish; the last one comes and goes.
    let nodeCount: Int
    /// Records a second, published by all nodes together; each node hears all of them.
    let rate: Double
    let duration: Duration
    /// Between two looks at the processes.
    let interval: Duration
    /// How often the restless node starts anew, and each provider exchanges one offer for another.
    let turnover: Duration

    var providerCount: Int { nodeCount - 1 }
    var offersPerProvider: Int { max(1, Int((rate * Self.updateInterval / Double(providerCount)).rounded(.up))) }

    /// What comes before is not judged: tables and caches fill.
    var settling: Duration { min(.seconds(900), duration / 4) }
}

/// One look at one node.
struct SoakSample {
    let second: Double
    let node: Int
    let facts: ChildProcess.Facts
    /// Rows of the market that came, changed or went there since its start.
    let changeCount: Double
    let recordCount: Double
    /// Whether the node is the one that comes and goes.
    let isRestless: Bool

    static let head =
        "second,node,restless,resident_bytes,descriptors,threads,processor_seconds,listing_changes,records\n"

    var line: String {
        "\(Int(second.rounded())),\(node),\(isRestless ? 1 : 0),\(facts.residentByteCount),\(facts.descriptorCount),"
            + "\(facts.threadCount),\(facts.processorSeconds),\(Int(changeCount)),\(Int(recordCount))\n"
    }
}

/// One record followed from its provider's command to another node's book.
struct SoakDelivery {
    let second: Double
    /// `nil`: not there after half a minute.
    let milliseconds: Double?

    static let head = "second,milliseconds\n"
    var line: String { "\(Int(second.rounded())),\(milliseconds.map { "\($0)" } ?? "")\n" }
}
