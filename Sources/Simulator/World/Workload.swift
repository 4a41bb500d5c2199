internal import Cryptography
internal import Market
internal import Node
internal import Primitives

/// What the honest nodes do: who offers what, and how often prices change.
struct Workload: Sendable {
    /// Classes in the order in which segments are taken: those of a single segment first, so that a market of one segment exists.
    private static let classes: [MarketClass] = [
        .amdConsumer, .intelConsumer, .amdWorkstation, .other, .amdDatacenter, .nvidiaWorkstation, .nvidiaConsumer,
        .nvidiaDatacenter,
    ]

    /// Draws for the whole network: whose price changes next.
    var random: SimulationRandom
    private let models: [MarketClass: [GPUModel]]

    init(streams: RandomStreams) {
        random = streams.fast(.workload)
        var models: [MarketClass: [GPUModel]] = [:]
        for model in Catalogue.standard.models {
            models[MarketClass(vendor: model.vendor, gpuClass: model.gpuClass), default: []].append(model)
        }
        self.models = models
    }

    /// The first so many segments of the market, for a scenario that wants fewer than all.
    static func segments(count: Int) -> [Segment] {
        precondition((1...16).contains(count), "the market has 16 segments")
        return Array(classes.flatMap { MarketProfile.first.segments(of: $0) }.prefix(count))
    }

    /// A class whose segment for this provider is among those that the scenario trades in.
    static func marketClass(of identity: VirtualIdentity, in segments: [Segment], draw: Int) -> MarketClass {
        let fitting = classes.filter { marketClass in
            segments.contains(MarketProfile.first.segment(of: identity.key.publicKey, in: marketClass))
        }
        // The first class has one segment, which every scenario trades in.
        return fitting[draw % fitting.count]
    }

    /// One GPU of the class, at some price.
    func draft(of marketClass: MarketClass, random: inout SimulationRandom) -> OfferDraft {
        var device = DeviceDraft(catalogueID: "", marketClass: marketClass, rawName: "unlisted", memoryMebibytes: 8_192)
        if let known = models[marketClass], !known.isEmpty {
            device = DeviceDraft(declaring: known[random.below(known.count)])
        }
        let price = PriceTerms(unit: "USD", gpuHourMicros: Int64(100_000 + random.below(900_000)))
        return OfferDraft(devices: [device], terms: OfferTerms(price: price))
    }
}

/// What is drawn for one step of a node's workload: each from a stream of its own, so that when a step is taken says nothing of what it is.
enum WorkloadDraw {
    case wait, choice

    /// A bit that the names of other streams leave alone.
    var tag: Int {
        switch self {
        case .wait: 0
        case .choice: 1 << 61
        }
    }
}

// MARK: Providers

extension Simulation {
    /// Deals out who offers: the scenario's share of the nodes, drawn, adversaries left out.
    mutating func appointProviders() {
        var honest = nodes.indices.filter { !nodes[$0].isHostile }
        workload.random.shuffle(&honest)
        let count = scenario.workload.providers.of(nodes.count)
        for index in honest.prefix(count) { nodes[index].provider.offerCount = scenario.workload.offersPerProvider }
        guard let plan = scenario.workload.leases else { return }
        let renters = plan.renters.of(nodes.count)
        for index in honest.dropFirst(count).prefix(renters) { nodes[index].isRenter = true }
    }

    /// A life begins: what is not yet on the market is put there, and prices begin to change.
    mutating func planWorkload(of index: Int) {
        planBid(of: life(of: index))
        planSearch(of: life(of: index))
        guard nodes[index].provider.offerCount > 0 else { return }
        let life = life(of: index)
        var random = workloadStream(of: index)
        let within = max(1, Int(scenario.workload.publishWithin.saturatedNanoseconds))
        // A market begins once everybody is there: what is published earlier would only be fetched by each newcomer from each peer.
        let opens = max(now, .zero.advanced(by: scenario.buildUp / 2))
        if nodes[index].provider.offers.isEmpty {
            let draw = random.below(1 << 16)
            let identity = nodes[index].identity
            nodes[index].provider.marketClass = Workload.marketClass(of: identity, in: segments, draw: draw)
            for offer in 0..<nodes[index].provider.offerCount {
                let due = opens.advanced(by: .nanoseconds(random.below(within)))
                queue.insert(.world(.publish(life, offer: UInt32(offer))), at: due)
            }
        }
        if scenario.workload.changesPerSecond == nil { planChange(of: life, using: &random) }
    }

    /// A stream for each life of a provider, so that its draws do not depend on when others come and go.
    private func workloadStream(of index: Int) -> SimulationRandom {
        streams.fast(.workload, node: index | Int(nodes[index].life) << 32)
    }

    private mutating func planChange(of life: NodeLife, using random: inout SimulationRandom) {
        guard let mean = scenario.workload.changeEvery, mean > .zero else { return }
        let wait = Distribution.exponential(mean: mean).draw(using: &random)
        queue.insert(.world(.change(life)), at: now.advanced(by: wait))
    }

    mutating func publish(_ offer: UInt32, of life: NodeLife) {
        guard nodes[life.index].life == life.life, let marketClass = nodes[life.index].provider.marketClass else {
            return
        }
        var random = streams.fast(.workload, node: life.index | Int(offer + 1) << 32 | 1 << 56)
        var draft = workload.draft(of: marketClass, random: &random)
        if let plan = scenario.workload.leases { draft.terms.durationMinSeconds = plan.seconds }
        command(life.index, .publishOffer(draft))
    }

    mutating func changeOwn(of life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        var random = streams.fast(
            .workload,
            node: life.index | Int(nodes[life.index].provider.priceStep + 1) << 32 | 1 << 57
        )
        changePrice(of: life.index, random: &random)
        planChange(of: life, using: &random)
    }

    /// The network's common rate: whoever is drawn, up and rested changes a price.
    mutating func changeSomewhere() {
        guard let rate = scenario.workload.changesPerSecond, rate > 0 else { return }
        let wait = Distribution.exponential(mean: .seconds(1) / rate).draw(using: &workload.random)
        queue.insert(.world(.changeSomewhere), at: now.advanced(by: wait))
        for _ in 0..<Self.changeTryCount {
            let index = workload.random.below(nodes.count)
            guard nodes[index].isUp, !nodes[index].isPaused, !nodes[index].provider.offers.isEmpty else { continue }
            let rested = nodes[index].provider.changedAt?.advanced(by: WorkloadPlan.changeRest) ?? now
            guard rested <= now else { continue }
            nodes[index].provider.changedAt = now
            var random = SimulationRandom(seed: workload.random.next())
            return changePrice(of: index, random: &random)
        }
    }

    /// With a provider among thirty nodes, all but a hundredth of the changes find one.
    private static let changeTryCount = 128

    private mutating func changePrice(of index: Int, random: inout SimulationRandom) {
        let offers = nodes[index].provider.offers
        guard !offers.isEmpty else { return }
        nodes[index].provider.priceStep += 1
        var change = OfferChange()
        // No two prices of one offer in a row are equal: a price is a number of steps above a round hundred thousand.
        change.gpuHourMicros = Int64(100_000 + random.below(900) * 1_000) + nodes[index].provider.priceStep % 1_000
        command(index, .updateOffer(offers[random.below(offers.count)], change))
    }

    mutating func command(_ index: Int, _ command: NodeCommand) {
        let id = CommandID(rawValue: nodes[index].nextCommand)
        nodes[index].nextCommand += 1
        feed(index, .command(id, command))
    }

    mutating func answered(_ id: CommandID, _ answer: NodeAnswer, by index: Int) {
        if let question = nodes[index].questions.removeValue(forKey: id.rawValue) {
            return judge(answer, to: question, by: index)
        }
        if let search = nodes[index].searches.removeValue(forKey: id.rawValue) {
            guard case .looked(let report) = answer else { return judge(nil, of: search, by: index) }
            // What the node follows itself is no search.
            guard !report.segments.isEmpty else { return }
            return judge(report, of: search, by: index)
        }
        guard case .offer(let record) = answer, case .offer(let body) = record.record.body,
            !nodes[index].provider.offers.contains(body.offer)
        else { return }
        nodes[index].provider.offers.append(body.offer)
    }
}
