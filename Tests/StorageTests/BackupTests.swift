import Foundation
import Node
import Storage
import Testing

@Suite struct `Backup and inspection` {
    let home: ScratchHome
    let elsewhere: ScratchHome

    init() throws {
        home = try ScratchHome()
        elsewhere = try ScratchHome()
    }

    private func fill(_ range: Range<UInt8>) throws {
        let (store, _, _) = try NodeStore.open(directory: home.path)
        for number in range { try store.commit([.putOwnRecord(try Sample.record(number))]).get() }
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test func `a copy without a node holds own state, for its owner alone, in one file`() throws {
        try fill(0..<20)
        try OfflineBackup.copy(directory: home.path, to: elsewhere.file("node.sqlite"))
        #expect(elsewhere.names == ["node.sqlite"])
        #expect(try mode(elsewhere.file("node.sqlite")) == 0o600)
        let (_, state, _) = try NodeStore.open(directory: elsewhere.path)
        #expect(state.ownRecords.count == 20)
    }

    @Test func `a copy while the store is in use is whole`() throws {
        let (store, _, _) = try NodeStore.open(directory: home.path)
        for number in UInt8(0)..<50 {
            try store.commit([.putOwnRecord(try Sample.record(number))]).get()
            if number % 10 == 9 { try store.backup(to: elsewhere.file("\(number)")) }
        }
        #expect(elsewhere.names == ["19", "29", "39", "49", "9"])
        for number in [9, 19, 29, 39, 49] {
            let restored = try ScratchHome()
            try FileManager.default.copyItem(atPath: elsewhere.file("\(number)"), toPath: restored.file("node.sqlite"))
            #expect(try NodeStore.open(directory: restored.path).1.ownRecords.count == number + 1)
        }
    }

    @Test func `nothing is overwritten, and nothing is left behind`() throws {
        try fill(0..<3)
        let path = elsewhere.file("backup")
        try Data("mine".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: StoreFailure.inputOutput("\(path) exists; a backup overwrites nothing")) {
            try OfflineBackup.copy(directory: home.path, to: path)
        }
        #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == Data("mine".utf8))
        #expect(throws: StoreFailure.self) {
            try OfflineBackup.copy(directory: home.path, to: elsewhere.file("nowhere/backup"))
        }
        #expect(elsewhere.names == ["backup"])
    }

    @Test func `a home in use, an empty one and one that is none are told apart`() throws {
        let (store, _, _) = try NodeStore.open(directory: home.path)
        #expect(HomeLock.isHeld(in: home.path))
        #expect(throws: StoreFailure.locked) { try OfflineBackup.copy(directory: home.path, to: elsewhere.file("x")) }
        withExtendedLifetime(store) {}
        let empty = try ScratchHome()
        #expect(!HomeLock.isHeld(in: empty.path))
        #expect(throws: StoreFailure.self) { try OfflineBackup.copy(directory: empty.path, to: elsewhere.file("x")) }
        #expect(!empty.names.contains("node.sqlite"), "looking makes no store")
        #expect(throws: StoreFailure.self) { try OfflineBackup.copy(directory: "/nowhere", to: elsewhere.file("x")) }
    }

    @Test func `an inspection sees whole, missing, damaged and newer files, also while they are in use`() throws {
        #expect(StoreInspection(directory: elsewhere.path).own == .missing)
        try fill(0..<200)
        let (store, _, _) = try NodeStore.open(directory: home.path)
        #expect(StoreInspection(directory: home.path).own == .good(schema: 3))
        #expect(StoreInspection(directory: home.path).cache == .good(schema: 1))
        withExtendedLifetime(store) {}
    }

    @Test func `an inspection names damage and a newer version`() throws {
        try fill(0..<200)
        try Tampering.execute("INSERT INTO grdb_migrations (identifier) VALUES ('7')", in: home.file("cache.sqlite"))
        #expect(StoreInspection(directory: home.path).cache == .bad(.newerVersion(7)))
        var bytes = try Data(contentsOf: URL(fileURLWithPath: home.file("node.sqlite")))
        for index in stride(from: 4_096, to: bytes.count, by: 53) { bytes[index] ^= 0x5A }
        try bytes.write(to: URL(fileURLWithPath: home.file("node.sqlite")))
        guard case .bad(.corrupt(let text)) = StoreInspection(directory: home.path).own else {
            Issue.record("the damage went unseen")
            return
        }
        #expect(text.contains(home.file("node.sqlite")))
    }

    @Test func `a home is looked at without being touched`() throws {
        #expect(throws: HomeError.self) { try HomeDirectory.check(home.file("nowhere")) }
        #expect(!home.names.contains("nowhere"))
        try HomeDirectory.probe(home.path)
        #expect(home.names.isEmpty)
        #expect(try #require(HomeDirectory.room(home.path)).byteCount > 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: home.path)
        #expect(throws: HomeError.tooOpen(path: home.path, command: "chmod 700 '\(home.path)'")) {
            try HomeDirectory.check(home.path)
        }
        #expect(throws: HomeError.self) { try HomeDirectory.probe(home.file("nowhere")) }
    }
}
