import Cryptography
import Dispatch
import Market
import Node
import Primitives
import Synchronization
import Testing

@testable import EventLoop
@testable import Sockets

/// Collects what threads deliver, and waits for it.
final class Collector<Value: Sendable>: Sendable {
    private let values = Mutex<[Value]>([])
    private let arrived = DispatchSemaphore(value: 0)

    func add(_ value: Value) {
        values.withLock { $0.append(value) }
        arrived.signal()
    }

    /// The first `count` values, or fewer if they do not come within ten seconds.
    func first(_ count: Int) -> [Value] {
        for _ in 0..<count where arrived.wait(timeout: .now() + 10) == .timedOut { break }
        return values.withLock { Array($0.prefix(count)) }
    }
}

@Suite struct `Signature workers` {
    let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32))

    /// Checks of which every third is forged.
    private func checks(_ count: Int) -> [SignatureCheck] {
        (0..<count).map { number in
            let message = Array("message \(number)".utf8)
            var signature = key.signature(of: message)
            if number % 3 == 0 { signature[5] ^= 1 }
            return SignatureCheck(key: key.publicKey, message: message, signature: signature)
        }
    }

    @Test(arguments: [1, 2, 7], [0, 1, 8, 15, 16, 64])
    func `verdicts come back in the order of the checks`(workerCount: Int, checkCount: Int) {
        let collector = Collector<(BatchID, [Bool])>()
        let workers = SignatureWorkers(workerCount: workerCount) { collector.add(($0, $1)) }
        defer { workers.close() }
        workers.verify(BatchID(rawValue: 9), checks(checkCount))
        let answers = collector.first(1)
        #expect(answers.first?.0 == BatchID(rawValue: 9))
        #expect(answers.first?.1 == (0..<checkCount).map { $0 % 3 != 0 })
    }

    @Test func `every batch is answered once, however many wait`() {
        let collector = Collector<BatchID>()
        let workers = SignatureWorkers(workerCount: 3) { id, _ in collector.add(id) }
        defer { workers.close() }
        let some = checks(20)
        for number in UInt64(0)..<40 { workers.verify(BatchID(rawValue: number), some) }
        #expect(Set(collector.first(40)).count == 40)
    }

    @Test func `when too many parts wait, the caller checks by itself`() {
        let collector = Collector<[Bool]>()
        let workers = SignatureWorkers(workerCount: 1, pieceCountMax: 0) { collector.add($1) }
        defer { workers.close() }
        workers.verify(BatchID(rawValue: 1), checks(4))
        #expect(collector.first(1) == [[false, true, true, false]])
    }
}

@Suite struct `Store thread` {
    private func change(_ number: Int) -> StoreChange { .setFact(name: "\(number)", value: []) }

    private func numbers(_ changes: [StoreChange]) -> [Int] {
        changes.compactMap { if case .setFact(let name, _) = $0 { Int(name) } else { nil } }
    }

    @Test func `what waits while a commit runs goes into the next one, in order`() {
        let gate = DispatchSemaphore(value: 0), began = DispatchSemaphore(value: 0)
        let commits = Collector<[Int]>(), answers = Collector<[Ticket]>()
        let store = StoreThread(
            commit: { changes in
                commits.add(numbers(changes))
                began.signal()
                gate.wait()
                return .success(())
            },
            deliver: { tickets, _ in answers.add(tickets) }
        )
        store.persist(Ticket(rawValue: 0), [change(0)])
        began.wait()
        for number in 1...5 { store.persist(Ticket(rawValue: UInt64(number)), [change(number)]) }
        gate.signal()
        gate.signal()
        store.close()
        #expect(commits.first(2) == [[0], [1, 2, 3, 4, 5]])
        #expect(answers.first(2) == [[Ticket(rawValue: 0)], (1...5).map { Ticket(rawValue: $0) }])
    }

    @Test func `a failed commit is told for every ticket in it`() {
        let answers = Collector<StoreFailure?>()
        let store = StoreThread(commit: { _ in .failure(.diskFull) }, deliver: { answers.add($1) })
        store.persist(Ticket(rawValue: 0), [change(0)])
        #expect(answers.first(1) == [.diskFull])
        store.close()
    }

    @Test func `a cache that cannot be written fails no write of our own`() {
        let answers = Collector<(Ticket, StoreFailure?)>()
        let store = StoreThread(
            commit: { $0.allSatisfy(\.isOwnState) ? .success(()) : .failure(.diskFull) },
            deliver: { tickets, failure in for ticket in tickets { answers.add((ticket, failure)) } }
        )
        let heard = StoreChange.deleteRecord(
            RecordID([UInt8](repeating: 1, count: 32)) ?? { preconditionFailure("32 bytes") }()
        )
        store.persist(Ticket(rawValue: 0), [change(0), heard])
        store.persist(Ticket(rawValue: 1), [heard])
        store.persist(Ticket(rawValue: 2), [change(2)])
        store.close()
        let told = answers.first(3)
        #expect(told.map(\.0.rawValue) == [0, 1, 2])
        #expect(told.map(\.1) == [nil, .diskFull, nil])
    }

    @Test func `closing writes what waits`() {
        let written = Mutex<[Int]>([])
        let store = StoreThread(
            commit: { changes in
                written.withLock { $0 += numbers(changes) }
                return .success(())
            },
            deliver: { _, _ in }
        )
        for number in 0..<100 { store.persist(Ticket(rawValue: UInt64(number)), [change(number)]) }
        store.close()
        #expect(written.withLock { $0 } == Array(0..<100))
    }

    @Test func `tickets beyond the limit fail at once`() {
        let answers = Collector<StoreFailure?>()
        let store = StoreThread(ticketCountMax: 0, commit: { _ in .success(()) }, deliver: { answers.add($1) })
        store.persist(Ticket(rawValue: 0), [])
        #expect(answers.first(1) == [.inputOutput("the store is too far behind")])
        store.close()
    }
}

@Suite struct `Mailbox of the loop` {
    @Test func `commands beyond the limit are refused, answers of our own threads never`() {
        let mailbox = Mailbox()
        for number in 0..<Mailbox.commandCountMax {
            #expect(mailbox.post(CommandID(rawValue: UInt64(number)), .status))
        }
        #expect(!mailbox.post(CommandID(rawValue: 9_999), .status))
        mailbox.post(.verified(BatchID(rawValue: 1), [true]))
        #expect(mailbox.takeAll().count == Mailbox.commandCountMax + 1)
        #expect(mailbox.post(CommandID(rawValue: 1), .status), "what was taken makes room")
    }

    @Test func `a closed mailbox takes nothing`() {
        let mailbox = Mailbox()
        mailbox.close()
        mailbox.post(.stop)
        #expect(!mailbox.post(CommandID(rawValue: 1), .status))
        #expect(mailbox.takeAll().isEmpty)
    }

    @Test func `a signal from another thread wakes the loop, and after its end it is harmless`() {
        let loop = UVLoop()
        var count = 0
        let signal = LoopSignal(on: loop) {
            count += 1
            loop.stop()
        }
        let sender = signal.sender
        startThread(named: "sender") { sender.send() }
        loop.run()
        #expect(count == 1)
        signal.close()
        loop.close()
        sender.send()
    }
}

@Suite struct `Clock of the loop` {
    @Test(arguments: [
        (5_000, false), (5_999, false), (6_001, true), (4_001, false), (3_999, true), (1_000_000, true),
    ])
    func `a step is a second's difference against the monotonic clock`(milliseconds: Int64, isStep: Bool) {
        var clock = LoopClock()
        clock.tell(1_000, at: .zero)
        #expect(clock.hasStepped(milliseconds, at: Instant(nanoseconds: 4_000_000_000)) == isStep)
    }

    @Test func `the machine is told the time before anything else`() {
        #expect(LoopClock().hasStepped(0, at: .zero))
    }

    @Test func `time never runs backwards`() {
        var clock = LoopClock()
        let readings = (0..<1_000).map { _ in clock.now() }
        #expect(readings == readings.sorted())
    }
}
