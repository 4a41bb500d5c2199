import Foundation
import FoundationXML
import Testing

@testable import rialto_bench

@Suite(.serialized, .timeLimit(.minutes(2))) struct `A soak` {
    private static let plan = SoakPlan(
        nodeCount: 3,
        rate: 10,
        duration: .seconds(3_600),
        interval: .seconds(5),
        turnover: .seconds(60)
    )

    /// An hour in which nothing is wrong, changed by `spoil`.
    private static func record(_ spoil: (inout SoakRecord) -> Void = { _ in }) -> SoakRecord {
        var record = SoakRecord()
        for tick in 0..<720 {
            for node in 0..<3 { record.samples.append(sample(tick, node)) }
            record.deliveries.append(SoakDelivery(second: Double(tick) * 5, milliseconds: Double(5 + tick % 7)))
        }
        record.publishedCount = 36_000
        spoil(&record)
        return record
    }

    private static func sample(_ tick: Int, _ node: Int, bytes: Int = 30 << 20, descriptors: Int = 40) -> SoakSample {
        SoakSample(
            second: Double(tick) * 5,
            node: node,
            facts: ChildProcess.Facts(
                residentByteCount: bytes,
                descriptorCount: descriptors,
                threadCount: 9,
                processorSeconds: Double(tick) / 10
            ),
            changeCount: Double(tick) * 50,
            recordCount: 100,
            isRestless: node == 2
        )
    }

    private static func wrong(_ spoil: (inout SoakRecord) -> Void) -> [SoakVerdict.Finding.Subject] {
        SoakVerdict(record(spoil), plan: plan, second: 3_595).findings.filter { !$0.isGood }.map(\.subject)
    }

    @Test func `in which nothing is wrong is good`() {
        var verdict = SoakVerdict(Self.record(), plan: Self.plan, second: 3_595)
        verdict.addAgreement(0, after: .seconds(1), offerCount: 20, nodeCount: 3)
        #expect(verdict.isGood)
        #expect(
            verdict.text == """
                good   memory: 30.0 MiB, steepest at node 0: +0.00 MiB in 0.75 h
                good   descriptors: 40.0, steepest at node 0: +0.00 in 0.75 h
                good   threads: 9.0, steepest at node 0: +0.00 in 0.75 h
                good   deliveries: 720 timed, 0 lost, half within 8 ms, 99 % within 11 ms, slowest 11 ms
                good   pace: 10.0 of 10 records a second
                good   processes: all live
                good   commands: none failed
                good   agreement: 20 offers at 3 nodes, 0 differences 1 s after the last change

                """
        )
    }

    @Test func `names each thing that is wrong, and that alone`() {
        #expect(
            Self.wrong { record in
                for index in record.samples.indices where record.samples[index].node == 1 {
                    record.samples[index] = Self.sample(index / 3, 1, bytes: 30 << 20 + index / 3 * 4_096)
                }
            } == [.memory]
        )
        #expect(
            Self.wrong { record in
                for index in record.samples.indices where record.samples[index].node == 0 {
                    record.samples[index] = Self.sample(index / 3, 0, descriptors: 40 + index / 300)
                }
            } == [.descriptors]
        )
        #expect(
            Self.wrong { $0.deliveries.append(SoakDelivery(second: 3_595, milliseconds: nil)) } == [.deliveries]
        )
        #expect(
            Self.wrong { record in
                for _ in 0..<20 { record.deliveries.append(SoakDelivery(second: 3_595, milliseconds: 1_500)) }
            } == [.deliveries]
        )
        #expect(Self.wrong { $0.publishedCount = 30_000 } == [.pace])
        #expect(Self.wrong { $0.ended = ["node 1 ended"] } == [.processes])
        #expect(Self.wrong { $0.failures = ["a change"] } == [.commands])
        #expect(Self.wrong { $0.samples.removeAll { $0.second > 1_000 } } == [])
        #expect(Self.wrong { $0.samples = [] } == [.memory, .descriptors, .threads])
    }

    @Test func `does not judge the restless node, nor what comes before the settling time is over`() {
        #expect(
            Self.wrong { record in
                for index in record.samples.indices where record.samples[index].node == 2 {
                    record.samples[index] = Self.sample(index / 3, 2, bytes: index * 100_000, descriptors: index)
                }
                for index in 0..<180 * 3 where record.samples[index].node == 0 {
                    record.samples[index] = Self.sample(index / 3, 0, bytes: index * 10_000, descriptors: index)
                }
            } == []
        )
    }

    @Test func `draws pictures that are XML and have a line for each series`() throws {
        for (name, text) in SoakPlots(record: Self.record(), plan: Self.plan).all {
            #expect(XMLParser(data: Data(text.utf8)).parse(), "\(name)")
            #expect(text.contains("<polyline"), "\(name)")
        }
    }

    @Test func `reads Prometheus's text`() {
        let page = """
            # TYPE rialto_records_live gauge
            rialto_records_live{type="offer",segment="/a"} 12
            rialto_records_live{type="machine",segment="/a"} 3
            rialto_records_live_more 100
            """
        #expect(SoakRun.sum(of: "rialto_records_live", in: page) == 15)
        #expect(SoakRun.sum(of: "rialto_nothing", in: page) == 0)
    }

    /// The real programs for a few seconds: too short to judge memory, long enough to lose a record.
    @Test func `of three nodes for four seconds loses nothing, restarts one node and leaves its results`()
        async throws
    {
        let folder = FileManager.default.temporaryDirectory.path + "/soak-" + UUID().uuidString.prefix(8)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let plan = SoakPlan(
            nodeCount: 3,
            rate: 10,
            duration: .seconds(4),
            interval: .milliseconds(250),
            turnover: .seconds(2)
        )
        let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
            .deletingLastPathComponent().appendingPathComponent("rialto").path
        let verdict = try await SoakRun(plan, program: program, folder: folder, note: { _ in }).run()
        for finding in verdict.findings where [.processes, .commands, .agreement].contains(finding.subject) {
            #expect(finding.isGood, "\(finding.words)")
        }
        let deliveries = try #require(verdict.findings.first { $0.subject == .deliveries })
        #expect(deliveries.words.contains(" 0 lost"), "\(deliveries.words)")
        let samples = try String(contentsOfFile: folder + "/samples.csv", encoding: .utf8).split(separator: "\n")
        #expect(samples[0] == SoakSample.head.dropLast())
        #expect(samples.count > 3)
        let fields = try #require(samples.last).split(separator: ",").compactMap { Int(Double($0) ?? -1) }
        #expect(fields.count == 9)
        // A node of three: a few mebibytes at least, a socket and a store.
        #expect(fields[3] > 1 << 20 && fields[4] > 5 && fields[5] > 1)
        for name in ["verdict.txt", "memory.svg", "descriptors.svg", "threads.svg", "deliveries.svg", "deliveries.csv"]
        {
            #expect(FileManager.default.fileExists(atPath: "\(folder)/\(name)"), "\(name)")
        }
    }
}
