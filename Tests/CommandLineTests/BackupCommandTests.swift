import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `Backup and restore` {
    private func price(_ home: TestHome) async throws -> Int? {
        try await home.run("search", "gpu=rtx-4090", "--json").objects.first?["price_micros"] as? Int
    }

    private func sequence(_ home: TestHome) async throws -> Int {
        let row = try #require(try await home.run("search", "gpu=rtx-4090", "--json").objects.first)
        let record = try #require(row["record_id"] as? String)
        let shown = try await home.run("record", "show", record)
        return try #require(shown.objects.first?["sequence"] as? Int)
    }

    @Test func `a copy is for its owner alone, whole, and over nothing, with a node and without`() async throws {
        let home = try TestHome()
        let backup = home.path + "/backup.sqlite"
        let early = try await home.run("backup", backup)
        #expect(early.code == 1)
        #expect(early.complaint.contains("no node has run in this home"))
        let node = try await home.operate()
        #expect(try await home.run("backup", backup).code == 0)
        let mode = try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let before = try Data(contentsOf: URL(fileURLWithPath: backup))
        let twice = try await home.run("backup", backup)
        #expect(twice.code == 1)
        #expect(twice.complaint.contains("overwrites nothing"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: backup)) == before)
        #expect(try await home.run("down").code == 0)
        #expect(try await node.node.waitUntilEnded() == 0)
        let offline = try await home.run("backup", backup + "2")
        #expect(offline.code == 0, "\(offline.complaint)")
    }

    /// An old state must not bring old sequences back: who restored it asks what it has said since.
    @Test func `a restored home goes on above everything that it said after the backup`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        let second = try await renter.operate()
        let first = try await provider.operate(["--bootstrap", try second.node.address])
        #expect(try await provider.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        let backup = provider.path + "/backup.sqlite"
        #expect(try await provider.run("backup", backup).code == 0)
        try await eventually("the offer") { try await price(renter) == 350_000 ? () : nil }
        let offer = try #require(
            try await provider.run("offer", "list", "--json").objects.first?["offer_id"] as? String
        )
        #expect(try await provider.run("offer", "update", offer, "--price", "0.30").code == 0)
        try await eventually("the new price") { try await price(renter) == 300_000 ? () : nil }
        let said = try await sequence(renter)
        #expect(try await provider.run("down").code == 0)
        #expect(try await first.node.waitUntilEnded() == 0)

        for name in ["node.sqlite", "node.sqlite-wal", "node.sqlite-shm"] {
            try? FileManager.default.removeItem(atPath: "\(provider.path)/\(name)")
        }
        try FileManager.default.moveItem(atPath: backup, toPath: provider.path + "/node.sqlite")
        let again = try await provider.operate(["--bootstrap", try second.node.address])
        try await eventually("a node that signs") {
            let status = try await provider.run("status", "--json").objects.first
            return status?["signing_state"] as? String == "signing" ? () : nil
        }
        let updated = try await provider.run("offer", "update", offer, "--price", "0.25")
        #expect(updated.code == 0, "\(updated.complaint)")
        try await eventually("the price after the restore") { try await price(renter) == 250_000 ? () : nil }
        #expect(try await sequence(renter) > said)
        for (home, node) in [(provider, again.node), (renter, second.node)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }
}
