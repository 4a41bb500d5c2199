internal import Primitives

/// What a renter wants bids on, and what its node is to do with them.
public struct RequestDraft: Hashable, Sendable {
    /// All of one class: whoever offers another class does not hear of the request.
    public var alternatives: [RequestBody.Alternative]
    public var filters = ""
    public var unit = "USD"
    /// The most that the whole lease may cost, in micros.
    public var totalMicrosMax: Int64
    public var durationSeconds: Int
    /// How long bids are taken, in milliseconds.
    public var openMilliseconds: Int64
    public var hasPublicBids = false
    /// What is to be run; it never leaves this node before a lease is being made.
    public var terms: LeaseTerms
    /// Whether the best bid is accepted at the deadline without a word of the renter.
    public var isAutomatic = true

    public init(
        alternatives: [RequestBody.Alternative],
        totalMicrosMax: Int64,
        durationSeconds: Int,
        openMilliseconds: Int64,
        terms: LeaseTerms
    ) {
        (self.alternatives, self.totalMicrosMax) = (alternatives, totalMicrosMax)
        (self.durationSeconds, self.openMilliseconds, self.terms) = (durationSeconds, openMilliseconds, terms)
    }

    /// The request as it is published at a time in milliseconds since the Unix epoch.
    public func body(_ request: RequestID, sealingKey: [UInt8], at now: Int64) -> RequestBody {
        RequestBody(
            request: request,
            alternatives: alternatives,
            filters: filters,
            unit: unit,
            totalMicrosMax: totalMicrosMax,
            durationSeconds: durationSeconds,
            deadline: now + openMilliseconds,
            hasPublicBids: hasPublicBids,
            sealingKey: sealingKey
        )
    }
}

/// What a node keeps of a request of its own, to choose after a restart too.
public struct RequestPlan: Hashable, Sendable {
    /// Requests of one node that are open at a time, as admission allows.
    public static let countMax = 64

    public let request: RequestID
    /// Milliseconds since the Unix epoch.
    public let deadline: Int64
    public let isAutomatic: Bool
    public let terms: LeaseTerms
    /// Whether a bid was accepted already: after a crash a lease may have come of it, and nobody accepts another by itself.
    public var isDecided: Bool

    public init(
        request: RequestID,
        deadline: Int64,
        isAutomatic: Bool,
        terms: LeaseTerms,
        isDecided: Bool = false
    ) {
        (self.request, self.deadline, self.isAutomatic) = (request, deadline, isAutomatic)
        (self.terms, self.isDecided) = (terms, isDecided)
    }

    /// The bytes under which a node keeps its plans.
    public static func encoded(_ plans: [RequestPlan]) -> [UInt8] {
        var writer = ProtobufWriter()
        for plan in plans {
            writer.message(1) {
                $0.bytes(1, plan.request.bytes)
                $0.varint(2, UInt64(clamping: plan.deadline))
                $0.bool(3, plan.isAutomatic)
                $0.bytes(4, plan.terms.encoded)
                $0.bool(5, plan.isDecided)
            }
        }
        return writer.bytes
    }

    /// Reads what `encoded` wrote; plans that are damaged are plans that nobody has.
    public static func decoded(_ bytes: [UInt8]) -> [RequestPlan] {
        let byteCountMax = countMax * (LeaseTerms.Bounds.byteCountMax + 64)
        guard bytes.count <= byteCountMax, let message = try? ParsedMessage(bytes),
            let found = try? message.repeated(1, "plans", countMax: countMax, max: byteCountMax)
        else { return [] }
        return found.compactMap { try? RequestPlan(parsing: $0) }
    }

    private init(parsing bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        guard let request = RequestID(try message.bytes(1, "plan.request", max: 16)) else {
            throw .missing("plan.request")
        }
        self.init(
            request: request,
            deadline: try message.time(2, "plan.deadline"),
            isAutomatic: try message.bool(3, "plan.automatic"),
            terms: try LeaseTerms(parsing: try message.bytes(4, "plan.terms", max: LeaseTerms.Bounds.byteCountMax)),
            isDecided: try message.bool(5, "plan.decided")
        )
    }
}

extension RequestBody.Alternative {
    /// Whether one lease of an offer can be what the alternative asks for, going by what its machine says.
    public func admits(_ listing: Listing) -> Bool {
        guard listing.offer.marketClass == marketClass, listing.offer.largestBlock >= count else { return false }
        let free = listing.devices.filter { listing.offer.freeSlots.contains($0.slot) }
        let fitting = free.filter { device in
            let nominal = Catalogue.standard[device.catalogueID].map { $0.memoryGB * 1_024 } ?? device.memoryMebibytes
            return (catalogueIDs.isEmpty || catalogueIDs.contains(device.catalogueID)) && nominal >= memoryMinMebibytes
        }
        // A bid names no slots: all that could be awarded must do.
        return fitting.count == free.count && fitting.count >= count
    }
}

extension RequestBody {
    /// The first alternative that an offer can fill.
    public func alternative(for listing: Listing) -> Int? { alternatives.firstIndex { $0.admits(listing) } }

    /// Whether an offer passes the request's conditions.
    func filtersPass(_ listing: Listing, _ context: SearchContext) -> Bool { passCount([listing], context) == 1 }

    /// How many offers pass the request's conditions; conditions that nobody can read pass nothing.
    func passCount(_ listings: [Listing], _ context: SearchContext) -> Int {
        guard !filters.isEmpty else { return listings.count }
        guard let query = try? SearchQuery(text: filters), let search = try? SearchRequest(query: query, limit: 1)
        else { return 0 }
        return SearchTable(listings: listings).search(search, context: context).matchCount
    }

    /// Whether the conditions ask what only the renter can answer: a provider does not know how far it is trusted.
    public var asksTrust: Bool {
        guard let query = try? SearchQuery(text: filters) else { return false }
        return query.terms.contains { $0.asks(.trust) }
    }

    /// What so many GPUs at this price cost over the whole time, in micros, rounded up.
    public func totalMicros(count: Int, gpuHourMicros: Int64) -> Int64 {
        let gpuSeconds = Int128(count) * Int128(durationSeconds)
        return Int64(clamping: (Int128(gpuHourMicros) * gpuSeconds + 3_599) / 3_600)
    }
}
