import Foundation
import Node
import Storage
import Testing

/// A disk that takes so much and no more: every file of a store ends at a limit that falls anywhere in its writes.
@Suite struct `A store whose writes fail` {
    struct Life {
        var failures: [String] = []
        var acknowledged: [UInt64] = []

        fileprivate mutating func hear(_ line: Substring) {
            if let number = UInt64(line) {
                acknowledged.append(number)
            } else {
                failures.append(String(line))
            }
        }
    }

    /// What the child says, which must end well whatever failed on the way.
    private func told(_ home: ScratchHome, _ choice: String) throws -> [Substring] {
        let child = Process()
        child.executableURL = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
            .appendingPathComponent("StoreCrashChild")
        child.arguments = [home.path, choice]
        let output = Pipe()
        child.standardOutput = output
        try child.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        child.waitUntilExit()
        #expect(
            child.terminationReason == .exit && child.terminationStatus == 0,
            "\(choice): \(text.suffix(300))"
        )
        return text.split(separator: "\n")
    }

    private func life(_ home: ScratchHome, fileByteCountMax: Int) throws -> Life {
        var life = Life()
        for line in try told(home, "\(fileByteCountMax)") { life.hear(line) }
        return life
    }

    private func check(_ home: String, after life: Life) throws {
        let (_, state, warnings) = try NodeStore.open(directory: home)
        #expect(warnings.isEmpty)
        let number = state.facts.first { $0.name == "number" }.map { String(decoding: $0.value, as: UTF8.self) }
        #expect(number == life.acknowledged.last.map { "\($0)" })
        #expect(state.ownRecords.count == Set(life.acknowledged.map { $0 % 50 }).count)
        #expect(state.records.count == life.acknowledged.count)
    }

    /// Steps that fall in the middle of pages and of frames of the log.
    @Test(arguments: Array(stride(from: 0, to: 260_000, by: 13_007)))
    func `loses nothing, says why, and goes on once there is room`(byteCount: Int) throws {
        let home = try ScratchHome()
        let life = try life(home, fileByteCountMax: byteCount)
        #expect(life.acknowledged == Array(1...25))
        #expect(life.failures.count <= 1, "one fault, one failure")
        for failure in life.failures {
            let isTold = ["diskFull", "inputOutput"].contains {
                failure.contains("failed: \($0)") || failure.contains(".\($0)")
            }
            #expect(isTold, "\(failure)")
        }
        try check(home.path, after: life)
    }

    @Test func `fails at all within the limits of these tests`() throws {
        let home = try ScratchHome()
        #expect(try life(home, fileByteCountMax: 100_000).failures.count == 1)
        let other = try ScratchHome()
        #expect(try life(other, fileByteCountMax: 100).failures.first?.hasPrefix("open failed") == true)
    }

    @Test func `which was full at its start opens, and keeps what it has`() throws {
        let home = try ScratchHome()
        let first = try life(home, fileByteCountMax: 1 << 30)
        #expect(first.failures.isEmpty)
        let second = try life(home, fileByteCountMax: 0)
        #expect(!second.failures.isEmpty)
        #expect(second.acknowledged.first == 26)
        try check(home.path, after: Life(acknowledged: first.acknowledged + second.acknowledged))
    }

    // MARK: One call after the other

    /// Faults as the child names them, and the failure that each becomes; a write that is only cut short is none.
    @Test(arguments: [
        ("write-fails", ["inputOutput"]), ("disk-full", ["diskFull", "is the disk full?"]),
        ("torn-write", ["inputOutput"]), ("sync-fails", ["inputOutput"]), ("short-write", []),
    ])
    func `of which each fails once loses nothing and says why`(fault: String, told: [String]) throws {
        let home = try ScratchHome()
        var lives: [Life] = []
        for line in try self.told(home, fault) {
            if line.hasPrefix("life ") {
                lives.append(Life())
            } else {
                lives[lives.count - 1].hear(line)
            }
        }
        // The last one had no fault: it has fewer calls than its number.
        #expect(lives.count > 5 && lives.last?.failures == [], "\(lives.count)")
        for (index, life) in lives.enumerated() {
            #expect(life.acknowledged == [1, 2], "\(fault) \(index + 1)")
            #expect(life.failures.count <= 1, "one fault, one failure: \(life.failures)")
            for failure in life.failures {
                #expect(told.contains { failure.contains($0) }, "\(fault) \(index + 1): \(failure)")
            }
            try check(home.file("\(index + 1)"), after: life)
        }
        let failures = lives.flatMap(\.failures)
        #expect(failures.isEmpty == told.isEmpty)
        for moment in told.isEmpty ? [] : ["open failed", "commit failed"] {
            #expect(failures.contains { $0.hasPrefix(moment) }, "\(fault): \(moment)")
        }
    }
}
