import Foundation
import Market
import Node
import Storage
import Testing

@Suite struct `Node store` {
    let home: ScratchHome

    init() throws {
        home = try ScratchHome()
    }

    private func open() throws -> (NodeStore, RestoredState, [StoreWarning]) {
        try NodeStore.open(directory: home.path)
    }

    /// Commits in one opening of the store and gives what the next one reads.
    private func reopened(after changes: [[StoreChange]]) throws -> RestoredState {
        do {
            let (store, _, _) = try open()
            for change in changes { try store.commit(change).get() }
        }
        let (_, state, warnings) = try open()
        #expect(warnings.isEmpty)
        return state
    }

    @Test func `a new home holds nothing and gets private files`() throws {
        let (_, state, warnings) = try open()
        #expect(state.facts.isEmpty && state.ownRecords.isEmpty && state.records.isEmpty)
        #expect(state.floors.isEmpty && state.peers.isEmpty && warnings.isEmpty)
        for name in ["node.sqlite", "cache.sqlite", "lock"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: home.file(name))
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }

    @Test func `every kind of change comes back as it was`() throws {
        let own = try Sample.record(1), other = try Sample.record(2)
        let floor = SubjectFloor(subject: try Sample.subject(3), sequence: 9, until: 77)
        let peer = try Sample.peer(4)
        let state = try reopened(after: [
            [
                .setFact(name: "b", value: [1, 2]), .setFact(name: "a", value: []), .putOwnRecord(own),
                .putRecord(other),
                .putFloor(floor), .putPeer(peer),
            ]
        ])
        #expect(state.facts.map(\.name) == ["a", "b"])
        #expect(state.facts.map(\.value) == [[], [1, 2]])
        #expect(state.ownRecords == [own])
        #expect(state.records == [other])
        #expect(state.floors == [floor])
        #expect(state.peers == [peer])
    }

    @Test func `rows of every own table come back by table and key, and go one by one`() throws {
        let rows = OwnTable.allCases.flatMap { table in
            [[UInt8](repeating: 1, count: 16), [2]].map { StoredRow(table, key: $0, value: [table.rawValue] + $0) }
        }
        var state = try reopened(after: [rows.reversed().map { .putRow($0) }])
        #expect(state.rows == rows)
        let changed = StoredRow(.vouchers, key: [2], value: [])
        state = try reopened(after: [[.putRow(changed), .deleteRow(.credit, key: [2])]])
        var expected = rows
        expected.put(changed)
        expected.remove([2], of: .credit)
        #expect(state.rows == expected && expected.count == rows.count - 1)
    }

    @Test func `rows that nobody could have written are left out, and counted`() throws {
        let rows = [
            StoredRow(.awards, key: [1], value: [UInt8](repeating: 0, count: StoredRow.valueByteCountMax + 1)),
            StoredRow(.leases, key: [UInt8](repeating: 1, count: StoredRow.keyByteCountMax + 1), value: []),
            StoredRow(.leases, key: [1], value: [1]),
        ]
        do {
            let (store, _, _) = try open()
            try store.commit(rows.map { .putRow($0) }).get()
        }
        let (_, state, warnings) = try open()
        #expect(state.rows == [rows[2]])
        #expect(warnings == [.rowsLeftOut(table: "awards", count: 1), .rowsLeftOut(table: "leases", count: 1)])
    }

    @Test func `later changes replace earlier ones with the same key`() throws {
        let newer = try Sample.record(1, sequence: 6)
        let state = try reopened(after: [
            [
                .setFact(name: "a", value: [1]), .putOwnRecord(try Sample.record(1)), .putRecord(try Sample.record(1)),
                .putFloor(SubjectFloor(subject: try Sample.subject(1), sequence: 1, until: 1)),
                .putPeer(try Sample.peer(1)),
            ],
            [
                .setFact(name: "a", value: [2]), .putOwnRecord(newer), .putRecord(newer),
                .putFloor(SubjectFloor(subject: try Sample.subject(1), sequence: 2, until: 2)),
                .putPeer(try Sample.peer(1, lastSeen: 8)),
            ],
        ])
        #expect(state.facts.map(\.value) == [[2]])
        #expect(state.ownRecords == [newer])
        #expect(state.records == [try Sample.record(1), newer], "records are kept by id, not by subject")
        #expect(state.floors.map(\.sequence) == [2])
        #expect(state.peers.map(\.lastSeen) == [8])
    }

    @Test func `deleted is gone, and deleting what is not there is no failure`() throws {
        let record = try Sample.record(1)
        let deletions: [StoreChange] = [
            .deleteOwnRecord(record.subject), .deleteRecord(record.id), .deleteFloor(record.subject),
            .deletePeer(try Sample.peer(1).peer),
        ]
        let state = try reopened(after: [
            deletions,
            [
                .putOwnRecord(record), .putRecord(record), .putPeer(try Sample.peer(1)),
                .putFloor(SubjectFloor(subject: record.subject, sequence: 1, until: 1)),
            ],
            deletions,
        ])
        #expect(state.ownRecords.isEmpty && state.records.isEmpty && state.floors.isEmpty && state.peers.isEmpty)
    }

    @Test func `what is restored stands in a fixed order, whatever the order of the writes`() throws {
        let numbers: [UInt8] = [5, 1, 4, 2, 3]
        let changes = try numbers.flatMap { number -> [StoreChange] in
            [
                .putOwnRecord(try Sample.record(number)), .putRecord(try Sample.record(number)),
                .putPeer(try Sample.peer(number, lastSeen: Int64(number))),
            ]
        }
        let state = try reopened(after: [changes])
        #expect(state.ownRecords.map(\.envelope[0]) == [1, 2, 3, 4, 5])
        #expect(state.records.map(\.envelope[0]) == [1, 2, 3, 4, 5])
        #expect(state.peers.map(\.lastSeen) == [5, 4, 3, 2, 1], "who was seen last is tried first")
    }

    @Test func `of the peers those who were seen last are kept, so many and no more`() throws {
        var limits = StoreLimits()
        limits.peerCountMax = 3
        do {
            let (store, _, _) = try NodeStore.open(directory: home.path, limits: limits)
            for number in UInt8(1)...6 {
                let seen = Int64([5, 9, 1, 7, 3, 8][Int(number) - 1])
                try store.commit([.putPeer(try Sample.peer(number, lastSeen: seen))]).get()
            }
        }
        #expect(try open().1.peers.map(\.lastSeen) == [9, 8, 7])
    }

    @Test func `own state waits for the disk, the cache does not`() throws {
        let (store, _, _) = try open()
        #expect(try store.durability() == [2, 1], "FULL and NORMAL, in SQLite's numbers")
    }

    @Test func `a second process is told that the home is in use, until the first lets go`() throws {
        var first: NodeStore? = try open().0
        #expect(first != nil)
        #expect(throws: StoreFailure.locked) { try open() }
        first = nil
        _ = try open()
    }

    @Test func `a home that others may enter is refused with the command that helps`() throws {
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: home.path)
        #expect {
            try open()
        } throws: {
            if case .inputOutput(let text)? = $0 as? StoreFailure { text.contains("chmod 700") } else { false }
        }
    }

    @Test func `a backup holds own state as it was, in one file that the store can open`() throws {
        let (store, _, _) = try open()
        try store.commit([.setFact(name: "a", value: [1]), .putOwnRecord(try Sample.record(1))]).get()
        let other = try ScratchHome()
        try store.backup(to: other.file("node.sqlite"))
        try store.commit([.setFact(name: "a", value: [2])]).get()
        #expect(other.names == ["node.sqlite"])

        let (_, state, _) = try NodeStore.open(directory: other.path)
        #expect(state.facts.map(\.value) == [[1]])
        #expect(state.ownRecords == [try Sample.record(1)])
        #expect(throws: StoreFailure.self) { try store.backup(to: other.file("node.sqlite")) }
    }
}
