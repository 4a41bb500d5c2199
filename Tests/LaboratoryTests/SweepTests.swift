import Foundation
import Simulator
import Testing

@testable import Laboratory

/// A directory with some files, removed at the end.
private final class Folder {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path

    init(_ files: [String: String]) throws {
        for (name, text) in files { try WholeFile.write(text, to: "\(path)/\(name)") }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct `Sweep` {
    private static let calm = "purpose: Calm.\nnodes: 10\nduration: {build-up: 1s, measure: 10s}\nseeds: [1, 2]\n"

    @Test func `a grid is every combination, with every seed`() throws {
        let folder = try Folder([
            "calm.yaml": Self.calm,
            "grid.yaml": """
            scenario: calm.yaml
            seeds: 5..6
            grid:
              nodes: [10, 20]
              churn: [{session: {exponential: 1h}, downtime: 5m}, {session: 2h, downtime: 1m}]
            """,
        ])
        let sweep = try SweepFile.load(path: folder.path + "/grid.yaml")
        #expect(sweep.pairs.count == 8)
        #expect(sweep.pairs.map(\.seed) == [5, 6, 5, 6, 5, 6, 5, 6])
        #expect(
            sweep.pairs[2].file.changes.map(\.description) == [
                "nodes=10", "churn={session: 2h, downtime: 1m}",
            ]
        )
        #expect(sweep.pairs[7].file.scenario.nodeCount == 20)
        #expect(sweep.pairs[7].file.scenario.churn?.session == .constant(.seconds(7_200)))
        #expect(Set(sweep.pairs.map(\.key)).count == 8)
        #expect(Set(sweep.pairs.map(\.folder)).count == 8)
    }

    @Test func `a list names its variants, and a scenario alone is a sweep over its seeds`() throws {
        let folder = try Folder([
            "calm.yaml": Self.calm,
            "list.yaml": "scenario: calm.yaml\nlist: [{nodes: 12}, {nodes: 14, network.loss: 1%}]\n",
        ])
        let list = try SweepFile.load(path: folder.path + "/list.yaml")
        #expect(list.pairs.map { $0.file.scenario.nodeCount } == [12, 12, 14, 14])
        let alone = try SweepFile.load(path: folder.path + "/calm.yaml")
        #expect(alone.pairs.map(\.seed) == [1, 2])
        let areUnchanged = alone.pairs.allSatisfy(\.file.changes.isEmpty)
        #expect(areUnchanged)
    }

    @Test(arguments: [
        ("scenario: calm.yaml\ngird: {nodes: [1]}", "unknown key 'gird'; did you mean 'grid'?"),
        ("scenario: calm.yaml\ngrid: {nodes: []}", "a grid has 1 to 100000 combinations"),
        ("scenario: calm.yaml\ngrid: {nodes: 3}", "'grid.nodes' takes a list, like [1, 2]"),
        ("scenario: calm.yaml\ngrid: {nods: [3]}", "unknown key 'nods'; did you mean 'nodes'?"),
        ("scenario: calm.yaml\nlist: [{nodes: 1}]", "'nodes' takes a whole number from 2 to 1000000, not '1'"),
        ("scenario: storm.yaml", "the file cannot be read"),
        ("scenario: calm.yaml\ngrid: {nodes: [2]}\nlist: [{nodes: 2}]", "a 'grid' or a 'list', not both"),
    ])
    func `a sweep that makes no sense is told before anything runs`(text: String, part: String) throws {
        let folder = try Folder(["calm.yaml": Self.calm, "sweep.yaml": text])
        do throws(ScenarioProblems) {
            _ = try SweepFile.load(path: folder.path + "/sweep.yaml")
            Issue.record("it was read")
        } catch {
            #expect(error.description.contains(part), "\(error)")
        }
    }

    @Test func `the key of a pair does not change from version to version, nor with the place of the file`() throws {
        let (here, there) = (try Folder(["calm.yaml": Self.calm]), try Folder(["calm.yaml": Self.calm]))
        let keys = try SweepFile.load(path: here.path + "/calm.yaml").pairs.map(\.key)
        #expect(keys == ["77fceceeb4b05321", "37e270725bd8e028"])
        let others = try SweepFile.load(path: there.path + "/calm.yaml").pairs.map(\.key)
        #expect(others == keys)
    }

    @Test(arguments: [1, 2, 3, 7])
    func `every pair is in exactly one shard, and a list of another order changes nothing`(count: Int) throws {
        let folder = try Folder([
            "calm.yaml": Self.calm, "a.yaml": "scenario: calm.yaml\nseeds: 1..100\n",
            "b.yaml": "scenario: calm.yaml\nseeds: 51..150\n",
        ])
        let pairs = try SweepFile.load(path: folder.path + "/a.yaml").pairs
        let shards = (0..<count).map { index in pairs.filter { $0.isIn(shard: index, of: count) } }
        #expect(shards.map(\.count).reduce(0, +) == 100)
        let areFair = shards.allSatisfy { $0.count >= 100 / count / 5 }
        #expect(areFair, "\(shards.map(\.count))")
        let others = try SweepFile.load(path: folder.path + "/b.yaml").pairs
        for (index, shard) in shards.enumerated() {
            let common = Set(shard.map(\.key)).intersection(others.map(\.key))
            #expect(others.filter { common.contains($0.key) }.allSatisfy { $0.isIn(shard: index, of: count) })
        }
    }

    @Test func `a pair is done when its own line by this version is there`() throws {
        let record = try SyntheticRuns.record(secondCount: 1)
        let line = try ResultLine(record.line)
        let pair = SweepPair(file: record.file, seed: 7)
        let now = "rialto 0.1.0"
        #expect(pair.isAnswered(by: line, programVersion: now, computesSignatures: false))
        #expect(!pair.isAnswered(by: line, programVersion: "rialto 0.2.0", computesSignatures: false))
        #expect(!pair.isAnswered(by: line, programVersion: now, computesSignatures: true))
        let other = SweepPair(file: record.file, seed: 8)
        #expect(!other.isAnswered(by: line, programVersion: now, computesSignatures: false))
        let stopped = try ResultLine(
            record.line.replacingOccurrences(of: #""verdict":"failed""#, with: #""verdict":"stopped""#)
        )
        #expect(!pair.isAnswered(by: stopped, programVersion: now, computesSignatures: false))
        #expect(pair.isSubject(of: stopped, programVersion: now, computesSignatures: false))
    }

    @Test(arguments: ["", "1", "1/1", "-1/2", "2/2", "0/0", "a/b", "0/1/2", "0/100001"])
    func `what is no shard is refused`(text: String) {
        #expect(Shard(text) == nil)
    }

    @Test func `a command line is quoted where a shell would read more into it`() {
        #expect(
            CommandText.run(
                path: "a b.yaml",
                seed: 3,
                changes: [
                    ScenarioChange(path: "churn", value: "{session: 1h}"), ScenarioChange(path: "x", value: "it's"),
                ],
                output: "out/1"
            ) == "rialto sim run 'a b.yaml' --seed 3 --set 'churn={session: 1h}' --set 'x=it'\\''s' --out out/1"
        )
    }
}
