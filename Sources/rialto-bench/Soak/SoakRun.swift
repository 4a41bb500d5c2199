import Foundation
import LocalAPI

/// A market of real nodes under steady load, watched from outside.
@MainActor
final class SoakRun {
    /// The pictures and the verdict so far are written anew so often.
    private static let reportInterval = Duration.seconds(600)
    private static let agreementPatience = Duration.seconds(150)
    private static let deliveryPatience = Duration.seconds(30)

    let plan: SoakPlan
    let folder: String
    private let note: (String) -> Void
    private var nodes: [SoakNode] = []
    private let market = SoakMarket()
    private var record = SoakRecord()
    private let samples: FileHandle
    private let deliveries: FileHandle

    /// Results go to `folder`, homes to its folder `homes`.
    init(_ plan: SoakPlan, program: String, folder: String, note: @escaping (String) -> Void) throws {
        (self.plan, self.folder, self.note) = (plan, folder, note)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        samples = try Self.file("\(folder)/samples.csv", head: SoakSample.head)
        deliveries = try Self.file("\(folder)/deliveries.csv", head: SoakDelivery.head)
        nodes = try (0..<plan.nodeCount).map {
            try SoakNode(number: $0, program: program, folder: folder + "/homes")
        }
    }

    private static func file(_ path: String, head: String) throws -> FileHandle {
        guard FileManager.default.createFile(atPath: path, contents: Data(head.utf8)) else {
            throw BenchFailure("\(path) cannot be written")
        }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try file.seekToEnd()
        return file
    }

    /// Runs to the end; the homes are removed if all is well, and kept to be looked at if not.
    func run() async throws -> SoakVerdict {
        defer { for node in nodes { node.stop() } }
        for (index, node) in nodes.enumerated() { try node.start(seeds: nodes[..<index].map(\.address)) }
        var providers = nodes.prefix(plan.providerCount).map {
            SoakProvider(client: $0.client, peer: $0.peer, market: market, plan: plan)
        }
        for index in providers.indices { try await providers[index].open() }
        let timed = providers.map(\.timed)
        note("\(plan.nodeCount) nodes, \(market.prices.count) offers; now \(Int(plan.rate)) records a second")
        let before = market.publishedCount
        let start = ContinuousClock.now
        let end = start + plan.duration
        let load = Task { [providers] in
            await withTaskGroup(of: Void.self) { group in
                for provider in providers {
                    group.addTask {
                        var provider = provider
                        await provider.work(from: start, until: end)
                    }
                }
            }
        }
        defer { load.cancel() }
        try await watch(from: start, until: end, timed: timed, publishedBefore: before)
        if !record.ended.isEmpty { load.cancel() }
        await load.value
        var verdict = judged(publishedBefore: before)
        let last = ContinuousClock.now
        let differences = try await settleAgreement(from: last)
        verdict.addAgreement(
            differences,
            after: last.duration(to: .now),
            offerCount: market.prices.count,
            nodeCount: nodes.count
        )
        try write(verdict)
        for node in nodes { node.stop() }
        if verdict.isGood { try? FileManager.default.removeItem(atPath: folder + "/homes") }
        return verdict
    }

    // MARK: Watching

    private func watch(
        from start: ContinuousClock.Instant,
        until end: ContinuousClock.Instant,
        timed: [String],
        publishedBefore before: Int
    ) async throws {
        var (tick, restarted, reported) = (0, start, start)
        // A node that ended is the verdict; who goes on asking it learns nothing.
        while ContinuousClock.now < end, record.ended.isEmpty {
            let second = start.duration(to: .now) / .seconds(1)
            try await look(second)
            try await time(tick, second, timed)
            if ContinuousClock.now >= restarted + plan.turnover {
                restarted = .now
                nodes[plan.nodeCount - 1].stop()
                try nodes[plan.nodeCount - 1].start(seeds: nodes.dropLast().map(\.address))
            }
            if ContinuousClock.now >= reported + Self.reportInterval {
                reported = .now
                let verdict = judged(publishedBefore: before)
                try write(verdict)
                note("after \(Int(second)) s:\n\(verdict.text)")
            }
            tick += 1
            try await Task.sleep(until: start + plan.interval * tick, clock: .continuous)
        }
    }

    private func look(_ second: Double) async throws {
        for node in nodes {
            let isRestless = node.number == plan.nodeCount - 1
            guard node.isRunning else {
                let words = "node \(node.number) ended"
                if !record.ended.contains(words) { record.ended.append(words) }
                continue
            }
            do {
                let page = try await node.client.text("GET", "/metrics")
                let sample = SoakSample(
                    second: second,
                    node: node.number,
                    facts: try node.facts(),
                    changeCount: Self.sum(of: "rialto_listing_changes_total", in: page),
                    recordCount: Self.sum(of: "rialto_records_live", in: page),
                    isRestless: isRestless
                )
                record.samples.append(sample)
                try samples.write(contentsOf: Data(sample.line.utf8))
            } catch {
                market.failed("a look at node \(node.number): \(error)")
            }
        }
    }

    /// All samples of one family of Prometheus's text.
    nonisolated static func sum(of family: String, in page: String) -> Double {
        page.split(separator: "\n").reduce(0) { sum, line in
            guard line.hasPrefix(family), let mark = line.dropFirst(family.count).first, mark == " " || mark == "{",
                let value = line.split(separator: " ").last.flatMap({ Double($0) })
            else { return sum }
            return sum + value
        }
    }

    /// Follows one change from its provider's command to the book of another node.
    private func time(_ tick: Int, _ second: Double, _ timed: [String]) async throws {
        let publisher = tick % plan.providerCount
        let reader = (publisher + 1 + tick / plan.providerCount % (plan.providerCount - 1)) % plan.providerCount
        let price = Int64(1_000_000 + tick)
        var terms = TermsRequest()
        terms.priceMicros = price
        let path = "/v1/offers/\(nodes[publisher].peer)/\(timed[publisher])"
        let begin = ContinuousClock.now
        do {
            _ = try await nodes[publisher].client.send("PATCH", path, body: terms, expecting: PublishedOffer.self)
            market.published(timed[publisher], price: price)
        } catch {
            market.forget(timed[publisher])
            return market.failed("a timed change: \(error)")
        }
        var milliseconds: Double?
        while milliseconds == nil, ContinuousClock.now < begin + Self.deliveryPatience {
            let row = try? await nodes[reader].client.send("GET", path, expecting: OfferRow.self)
            if row?.priceMicros == price {
                milliseconds = begin.duration(to: .now) / .milliseconds(1)
            } else {
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        let delivery = SoakDelivery(second: second, milliseconds: milliseconds)
        record.deliveries.append(delivery)
        try deliveries.write(contentsOf: Data(delivery.line.utf8))
    }

    // MARK: The end

    /// How many prices some node does not know; waits for an exchange of records if gossip has left any out.
    private func settleAgreement(from last: ContinuousClock.Instant) async throws -> Int {
        var differences = try await differences()
        while differences > 0, ContinuousClock.now < last + Self.agreementPatience {
            note("\(differences) differences \(last.duration(to: .now).components.seconds) s after the last change")
            try await Task.sleep(for: .seconds(1))
            differences = try await self.differences()
        }
        return differences
    }

    private func differences() async throws -> Int {
        let expected = market.prices
        var count = 0
        for node in nodes where node.isRunning {
            let view = try await node.client.send(
                "GET",
                "/v1/search",
                query: ["limit": "10000"],
                expecting: SearchView.self
            )
            let known = Dictionary(view.rows.map { ($0.offerID, $0.priceMicros) }) { first, _ in first }
            count += expected.count { known[$0.key] != $0.value }
        }
        return count
    }

    private func judged(publishedBefore before: Int) -> SoakVerdict {
        record.publishedCount = market.publishedCount - before
        record.failures = market.failures
        return SoakVerdict(record, plan: plan, second: record.samples.last?.second ?? 0)
    }

    private func write(_ verdict: SoakVerdict) throws {
        try Data(verdict.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/verdict.txt"))
        for plot in SoakPlots(record: record, plan: plan).all {
            try Data(plot.text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(plot.name)"))
        }
    }
}
