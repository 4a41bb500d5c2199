import Foundation
import Glibc
import Node
import Primitives
import Storage
import Testing

/// Scenario S-24: `kill -9` at random points, after which everything acknowledged is there.
@Suite struct `A killed process` {
    /// One life of the child: the numbers whose commits returned before it was killed after `delay`.
    private func lastAcknowledged(_ directory: String, killedAfter delay: Duration) async throws -> UInt64? {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("StoreCrashChild")
        child.arguments = [directory]
        let output = Pipe()
        // Foundation never lets go of a process that a task waits for, nor of its files.
        defer { try? output.fileHandleForReading.close() }
        child.standardOutput = output
        try child.run()
        // The pipe holds 64 KiB, more than the child prints in its short life.
        let first = output.fileHandleForReading.availableData
        try await Task.sleep(for: delay)
        kill(child.processIdentifier, SIGKILL)
        child.waitUntilExit()
        #expect(child.terminationReason == .uncaughtSignal, "it ended by itself with \(child.terminationStatus)")
        let text = String(decoding: first + output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        // A number that is cut off by the kill was acknowledged, but nobody saw it.
        let whole = text.split(separator: "\n", omittingEmptySubsequences: true)
        return (text.hasSuffix("\n") ? whole.last : whole.dropLast().last).flatMap { UInt64($0) }
    }

    @Test(arguments: [UInt8(1), 2])
    func `at a hundred random points leaves everything that was acknowledged`(seed: UInt8) async throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let home = try ScratchHome()
        var previous: UInt64 = 0
        var unacknowledged: Set<UInt64> = []
        for life in 0..<100 {
            let delay = Duration.microseconds(random.below(15_000))
            let acknowledged = try #require(try await lastAcknowledged(home.path, killedAfter: delay), "life \(life)")
            #expect(acknowledged > previous, "the child went back behind what it had stored")

            let (_, state, warnings) = try NodeStore.open(directory: home.path)
            #expect(warnings.isEmpty, "both files pass the check of their pages")
            let stored = state.facts.first.flatMap { UInt64(String(decoding: $0.value, as: UTF8.self)) } ?? 0
            #expect(stored >= acknowledged)
            #expect(stored <= acknowledged + 1, "at most one commit was on its way")
            #expect(state.ownRecords.map(\.sequence).sorted() == (1...stored).suffix(50).map(\.self))
            // A commit that was cut between the two files is whole in the first alone; its number was not acknowledged.
            if stored > acknowledged { unacknowledged.insert(stored) }
            let cached = Set(state.records.map(\.sequence))
            #expect(Set(1...stored).subtracting(cached).isSubset(of: unacknowledged))
            previous = stored
        }
    }
}
