/// What connections and streams use up.
public enum Resource: Hashable, Sendable, CaseIterable {
    case inboundConnections
    case outboundConnections
    case inboundStreams
    case outboundStreams
    /// Bytes that we hold for somebody: received and not consumed, or written and not yet sent.
    case memoryBytes
    /// Sockets.
    case descriptors
}

/// An amount of every resource.
public struct ResourceUsage: Hashable, Sendable {
    public var inboundConnections = 0
    public var outboundConnections = 0
    public var inboundStreams = 0
    public var outboundStreams = 0
    public var memoryBytes = 0
    public var descriptors = 0

    public static let zero = ResourceUsage()

    public init(
        inboundConnections: Int = 0,
        outboundConnections: Int = 0,
        inboundStreams: Int = 0,
        outboundStreams: Int = 0,
        memoryBytes: Int = 0,
        descriptors: Int = 0
    ) {
        self.inboundConnections = inboundConnections
        self.outboundConnections = outboundConnections
        self.inboundStreams = inboundStreams
        self.outboundStreams = outboundStreams
        self.memoryBytes = memoryBytes
        self.descriptors = descriptors
    }

    public subscript(resource: Resource) -> Int {
        get {
            switch resource {
            case .inboundConnections: inboundConnections
            case .outboundConnections: outboundConnections
            case .inboundStreams: inboundStreams
            case .outboundStreams: outboundStreams
            case .memoryBytes: memoryBytes
            case .descriptors: descriptors
            }
        }
        set {
            switch resource {
            case .inboundConnections: inboundConnections = newValue
            case .outboundConnections: outboundConnections = newValue
            case .inboundStreams: inboundStreams = newValue
            case .outboundStreams: outboundStreams = newValue
            case .memoryBytes: memoryBytes = newValue
            case .descriptors: descriptors = newValue
            }
        }
    }

    public var connections: Int { inboundConnections + outboundConnections }
    public var streams: Int { inboundStreams + outboundStreams }
    public var isZero: Bool { self == .zero }

    // Field by field: these run at every packet, and a loop over all cases allocates their list.

    static func + (left: ResourceUsage, right: ResourceUsage) -> ResourceUsage {
        ResourceUsage(
            inboundConnections: left.inboundConnections + right.inboundConnections,
            outboundConnections: left.outboundConnections + right.outboundConnections,
            inboundStreams: left.inboundStreams + right.inboundStreams,
            outboundStreams: left.outboundStreams + right.outboundStreams,
            memoryBytes: left.memoryBytes + right.memoryBytes,
            descriptors: left.descriptors + right.descriptors
        )
    }

    static func - (left: ResourceUsage, right: ResourceUsage) -> ResourceUsage {
        ResourceUsage(
            inboundConnections: left.inboundConnections - right.inboundConnections,
            outboundConnections: left.outboundConnections - right.outboundConnections,
            inboundStreams: left.inboundStreams - right.inboundStreams,
            outboundStreams: left.outboundStreams - right.outboundStreams,
            memoryBytes: left.memoryBytes - right.memoryBytes,
            descriptors: left.descriptors - right.descriptors
        )
    }

    /// Whether an amount is of bytes alone, as nearly all are.
    var isMemoryAlone: Bool {
        inboundConnections == 0 && outboundConnections == 0 && inboundStreams == 0 && outboundStreams == 0
            && descriptors == 0
    }
}

/// The most that one scope may use: of each resource, of both kinds of connections and of both kinds of streams together.
public struct ScopeLimits: Hashable, Sendable {
    public var each: ResourceUsage
    public var connections: Int
    public var streams: Int

    public init(each: ResourceUsage, connections: Int, streams: Int) {
        self.each = each
        self.connections = connections
        self.streams = streams
    }
}

/// The limits of every level, near go-libp2p's defaults.
public struct ResourceLimits: Hashable, Sendable {
    /// All connections.
    ///
    /// 256 leave room above the high-water mark of 160 for a minute of grace; memory is the whole transport's.
    public var system = ScopeLimits(
        each: ResourceUsage(
            inboundConnections: 192,
            outboundConnections: 128,
            inboundStreams: 8192,
            outboundStreams: 8192,
            memoryBytes: 256 << 20,
            descriptors: 320
        ),
        connections: 256,
        streams: 12288
    )
    /// Connections whose peer is not yet known, together: they are many, short-lived and nobody's.
    public var transient = ScopeLimits(
        each: ResourceUsage(
            inboundConnections: 64,
            outboundConnections: 32,
            memoryBytes: 16 << 20,
            descriptors: 96
        ),
        connections: 96,
        streams: 0
    )
    /// One peer over all of its connections.
    public var peer = ScopeLimits(
        each: ResourceUsage(
            inboundConnections: 8,
            outboundConnections: 8,
            inboundStreams: 256,
            outboundStreams: 512,
            memoryBytes: 64 << 20,
            descriptors: 8
        ),
        connections: 8,
        streams: 512
    )
    /// One connection.
    ///
    /// 64 inbound streams: a peer needs about ten at a time. Outbound ones are our own doing; three hundred at once are no accident.
    public var connection = ScopeLimits(
        each: ResourceUsage(
            inboundConnections: 1,
            outboundConnections: 1,
            inboundStreams: 64,
            outboundStreams: 384,
            memoryBytes: 32 << 20,
            descriptors: 1
        ),
        connections: 1,
        streams: 448
    )
    /// One stream.
    public var stream = ScopeLimits(
        each: ResourceUsage(inboundStreams: 1, outboundStreams: 1, memoryBytes: 2 << 20),
        connections: 0,
        streams: 1
    )

    public init() {}
}
