import Foundation
import Market
import Node
import Storage
import Testing

@Suite struct `A damaged store` {
    let home: ScratchHome

    init() throws {
        home = try ScratchHome()
        let (store, _, _) = try NodeStore.open(directory: home.path)
        let changes = try (0..<200).flatMap { number -> [StoreChange] in
            let record = try Sample.record(UInt8(number), byteCount: 1000)
            return [.putRecord(record), .putOwnRecord(record), .setFact(name: "\(number)", value: [1, 2, 3])]
        }
        try store.commit(changes).get()
    }

    enum Damage: CaseIterable {
        case garbage, truncated, flipped, headless

        func apply(to path: String) throws {
            var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
            switch self {
            case .garbage: bytes = Data((0..<5000).map { UInt8(truncatingIfNeeded: $0 &* 37) })
            case .truncated: bytes = bytes.prefix(bytes.count / 2)
            case .flipped: for index in stride(from: 4096, to: bytes.count, by: 53) { bytes[index] ^= 0x5A }
            case .headless: bytes.replaceSubrange(0..<16, with: Data(count: 16))
            }
            try bytes.write(to: URL(fileURLWithPath: path))
        }
    }

    @Test(arguments: Damage.allCases)
    func `a damaged cache is set aside, and own state is untouched`(damage: Damage) throws {
        try damage.apply(to: home.file("cache.sqlite"))
        let (store, state, warnings) = try NodeStore.open(directory: home.path)
        #expect(state.records.isEmpty)
        #expect(state.ownRecords.count == 200)
        #expect(home.names.contains("cache.sqlite.corrupt-1"))
        guard case .cacheSetAside(let path, _)? = warnings.first else {
            Issue.record("nobody was warned")
            return
        }
        #expect(path == home.file("cache.sqlite.corrupt-1"))
        try store.commit([.putRecord(try Sample.record(1))]).get()
    }

    @Test(arguments: Damage.allCases)
    func `damaged own state is refused, kept, and its file named`(damage: Damage) throws {
        try damage.apply(to: home.file("node.sqlite"))
        let before = try Data(contentsOf: URL(fileURLWithPath: home.file("node.sqlite")))
        #expect {
            try NodeStore.open(directory: home.path)
        } throws: { error in
            guard case .corrupt(let text)? = error as? StoreFailure else { return false }
            return text.contains(home.file("node.sqlite")) && text.contains("backup")
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: home.file("node.sqlite"))) == before)
        #expect(!home.names.contains { $0.contains("node.sqlite.corrupt") })
    }

    @Test func `a cache that breaks while it is in use is replaced, and the commit still counts`() throws {
        let (store, _, _) = try NodeStore.open(directory: home.path)
        try Damage.garbage.apply(to: home.file("cache.sqlite"))
        try Data().write(to: URL(fileURLWithPath: home.file("cache.sqlite-wal")))
        var rounds = 0
        while store.takeWarnings().isEmpty, rounds < 500 {
            try store.commit([.putRecord(try Sample.record(UInt8(rounds % 200), sequence: 9, byteCount: 4000))]).get()
            rounds += 1
        }
        #expect(rounds < 500)
        #expect(home.names.contains("cache.sqlite.corrupt-1"))
    }

    /// What keeps a damaged cache from being replaced, for root as well.
    enum Obstacle: CaseIterable {
        /// No name is left for the damaged file.
        case takenNames
        /// A directory lies where the new file's log belongs.
        case directoryForLog

        func names(in home: ScratchHome) -> [String] {
            switch self {
            case .takenNames: [Int.max - 1, Int.max].map { home.file("cache.sqlite.corrupt-\($0)") }
            case .directoryForLog: [home.file("cache.sqlite-wal")]
            }
        }
    }

    @Test(arguments: Obstacle.allCases)
    func `a cache that could not be replaced is opened anew once it can be`(obstacle: Obstacle) throws {
        let kept = try Sample.record(201)
        do {
            let (store, _, _) = try NodeStore.open(directory: home.path)
            try Damage.garbage.apply(to: home.file("cache.sqlite"))
            try FileManager.default.removeItem(atPath: home.file("cache.sqlite-wal"))
            for name in obstacle.names(in: home) {
                try FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: false)
            }
            let failure = try firstFailure(of: store)
            guard case .inputOutput = failure else {
                Issue.record("\(failure)")
                return
            }
            // As long as it lasts, every commit tells the same.
            guard case .failure(.inputOutput) = store.commit([.putRecord(kept)]) else {
                Issue.record("the cache was replaced all the same")
                return
            }
            for name in obstacle.names(in: home) { try FileManager.default.removeItem(atPath: name) }
            try store.commit([.putRecord(kept)]).get()
            #expect(store.takeWarnings().contains { if case .cacheSetAside = $0 { true } else { false } })
        }
        let (_, state, _) = try NodeStore.open(directory: home.path)
        #expect(state.records.contains(kept))
    }

    /// Changes of the cache until one fails.
    private func firstFailure(of store: NodeStore) throws -> StoreFailure {
        for round in 0..<500 {
            let record = try Sample.record(UInt8(round % 200), sequence: 9, byteCount: 4000)
            if case .failure(let failure) = store.commit([.putRecord(record)]) { return failure }
        }
        throw CancellationError()
    }

    @Test func `only the last few damaged caches are kept`() throws {
        for _ in 0..<5 {
            try Damage.garbage.apply(to: home.file("cache.sqlite"))
            _ = try NodeStore.open(directory: home.path)
        }
        #expect(home.names.filter { $0.contains("corrupt") }.map { $0.suffix(1) } == ["3", "4", "5"])
    }

    @Test(arguments: ["node.sqlite", "cache.sqlite"])
    func `a schema of a newer version is refused by its number`(name: String) throws {
        try Tampering.execute("INSERT INTO grdb_migrations (identifier) VALUES ('7')", in: home.file(name))
        #expect(throws: StoreFailure.newerVersion(7)) { try NodeStore.open(directory: home.path) }
    }

    @Test(arguments: [
        "UPDATE records SET id = x'00'", "UPDATE records SET kind = 8", "UPDATE records SET kind = 300",
        "UPDATE records SET sequence = -1", "UPDATE records SET author = x''",
        "UPDATE records SET subject = zeroblob(100)",
        "UPDATE records SET envelope = zeroblob(100000)", "UPDATE records SET kind = 9223372036854775807",
    ])
    func `rows that we never write are left out, told, and fatal to nobody`(sql: String) throws {
        let one = sql + " WHERE rowid = (SELECT min(rowid) FROM records)"
        try Tampering.execute(one, in: home.file("cache.sqlite"))
        let (_, state, warnings) = try NodeStore.open(directory: home.path)
        #expect(state.records.count == 199)
        #expect(warnings == [.rowsLeftOut(table: "records", count: 1)])
    }

    @Test func `columns of other types in a rebuilt table are left out too`() throws {
        try Tampering.execute(
            """
            DROP TABLE peers;
            CREATE TABLE peers (peer, addresses, last_seen);
            INSERT INTO peers VALUES ('text', 1.5, NULL), (NULL, x'00', 'x'), (x'0024', x'FFFF00', 1);
            """,
            in: home.file("cache.sqlite")
        )
        let (_, state, warnings) = try NodeStore.open(directory: home.path)
        #expect(state.peers.isEmpty)
        #expect(warnings == [.rowsLeftOut(table: "peers", count: 3)])
    }

    @Test func `no more rows are read than there may be`() throws {
        var limits = StoreLimits()
        limits.recordCountMax = 150
        let (_, state, warnings) = try NodeStore.open(directory: home.path, limits: limits)
        #expect(state.records.count == 150)
        #expect(warnings == [.rowsLeftOut(table: "records", count: 1)])
    }

    @Test func `a full disk fails the commit whole, and space lets it succeed`() throws {
        let (store, _, _) = try NodeStore.open(directory: home.path)
        let big = try Sample.record(250, byteCount: 60_000)
        try store.setPageCountMax(own: 1, cache: 1)
        let changes: [StoreChange] = [.setFact(name: "first", value: [1]), .putOwnRecord(big)]
        guard case .failure(.diskFull) = store.commit(changes) else {
            Issue.record("the own file grew")
            return
        }
        guard case .failure(.diskFull) = store.commit([.putRecord(big)]) else {
            Issue.record("the cache grew")
            return
        }
        try store.setPageCountMax(own: 1 << 20, cache: 1 << 20)
        try store.commit(changes + [.putRecord(big)]).get()
    }

    @Test func `nothing of a commit that failed is there afterwards`() throws {
        do {
            let (store, _, _) = try NodeStore.open(directory: home.path)
            try store.setPageCountMax(own: 1, cache: 1)
            let big = try Sample.record(250, byteCount: 60_000)
            #expect(throws: StoreFailure.diskFull) {
                try store.commit([.setFact(name: "first", value: [1]), .putOwnRecord(big)]).get()
            }
        }
        let (_, state, _) = try NodeStore.open(directory: home.path)
        #expect(!state.facts.contains { $0.name == "first" })
        #expect(state.ownRecords.count == 200)
    }
}
