import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `A market of two processes` {
    /// Gossip reaches a peer once the mesh has it.
    private func waitUntilMeshed(_ home: TestHome) async throws {
        try await eventually("a peer in the mesh") {
            let peers = try await home.run("peers", "--json").objects
            return peers.contains { ($0["mesh_topics"] as? Int ?? 0) > 0 } ? () : nil
        }
    }

    private func rows(_ home: TestHome, _ query: String) async throws -> [[String: Any]] {
        let result = try await home.run("search", query, "--json")
        #expect(result.code == 0, "\(result.complaint)")
        return result.objects
    }

    @Test func `an offer of one is found, updated and withdrawn at the other`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        let first = try await provider.up()
        let second = try await renter.up("--bootstrap", try first.address)
        try await waitUntilMeshed(renter)

        let published = try await provider.run(
            "offer",
            "publish",
            "--gpu",
            "rtx-4090:2",
            "--price",
            "0.35",
            "--country",
            "de",
            "--json"
        )
        #expect(published.code == 0, "\(published.complaint)")
        let offer = try #require(published.objects.first?["offer_id"] as? String)
        let found = try await eventually("the offer at the renter") {
            try await rows(renter, "gpu=rtx-4090 count>=2 price<=0.40 country=DE").first
        }
        #expect(found["offer_id"] as? String == offer)
        #expect(found["price_micros"] as? Int == 350_000)
        #expect(found["unit"] as? String == "USD")
        #expect(found["count"] as? Int == 2)
        #expect(found["live"] as? Bool == true)
        let peer = try #require(found["provider"] as? String)
        #expect(try first.address.hasSuffix(peer))

        let updated = try await provider.run("offer", "update", String(offer.prefix(6)), "--price", "0.30")
        #expect(updated.code == 0, "\(updated.complaint)")
        try await eventually("the new price at the renter") {
            try await rows(renter, "gpu=rtx-4090").first?["price_micros"] as? Int == 300_000 ? () : nil
        }

        let record = try #require(found["record_id"] as? String)
        let old = try await renter.run("record", "show", String(record.prefix(12)))
        #expect(old.code == 1, "an update replaces the record")

        let withdrawn = try await provider.run("offer", "withdraw", String(offer.prefix(6)))
        #expect(withdrawn.code == 0, "\(withdrawn.complaint)")
        try await eventually("the withdrawal at the renter") {
            try await rows(renter, "gpu=rtx-4090").isEmpty ? () : nil
        }
        #expect(try await provider.run("down").code == 0)
        #expect(try await first.waitUntilEnded() == 0)
        second.process.interrupt()
        #expect(try await second.waitUntilEnded() == 0)
        #expect(second.events.last?["event"] == "stopped")
    }

    @Test func `a provider that goes hides its offers, and brings them back with its return`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        let second = try await renter.up()
        let first = try await provider.up("--bootstrap", try second.address)
        try await waitUntilMeshed(renter)
        #expect(try await provider.run("offer", "publish", "--gpu", "rtx-3090", "--price", "0.2").code == 0)
        try await eventually("the offer") { try await rows(renter, "gpu=rtx-3090").isEmpty ? nil : () }

        #expect(try await provider.run("down").code == 0)
        #expect(try await first.waitUntilEnded() == 0)
        try await eventually("the goodbye") { try await rows(renter, "gpu=rtx-3090").isEmpty ? () : nil }

        let again = try await provider.up("--bootstrap", try second.address)
        #expect(try await provider.run("offer", "list", "--json").objects.count == 1)
        try await eventually("the offer again") { try await rows(renter, "gpu=rtx-3090").isEmpty ? nil : () }

        let watch = try renter.start(["search", "gpu=rtx-3090", "--watch", "--json"])
        defer { watch.0.terminate() }
        func changes() -> [String] {
            let text = (try? String(contentsOfFile: watch.output + ".out", encoding: .utf8)) ?? ""
            return text.split(separator: "\n").compactMap { line in
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return object?["change"] as? String
            }
        }
        try await eventually("the first row of the watched search") { changes() == ["appeared"] ? () : nil }
        #expect(try await provider.run("down").code == 0)
        #expect(try await again.waitUntilEnded() == 0)
        try await eventually("its end") { changes() == ["appeared", "gone"] ? () : nil }
        #expect(try await renter.run("down").code == 0)
    }

    @Test func `records travel as text, and a changed one is found out without a network`() async throws {
        let home = try TestHome()
        let node = try await home.up()
        #expect(try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        let export = try await eventually("three records") {
            let export = try await home.run("record", "export")
            return export.lines.count == 3 ? export : nil
        }
        let good = try home.write(export.output, to: "good.txt")
        let verdicts = try await home.run("record", "verify", good, "--json")
        #expect(verdicts.code == 0)
        #expect(Set(verdicts.objects.compactMap { $0["kind"] as? String }) == ["machine", "offer", "presence"])
        #expect(verdicts.objects.allSatisfy { $0["good"] as? Bool == true })

        var line = Array(export.lines[0])
        line[line.count / 2] = line[line.count / 2] == "A" ? "B" : "A"
        let bad = try home.write(String(line) + "\n" + export.lines[1] + "\n", to: "bad.txt")
        let mixed = try await home.run("record", "verify", bad, "--json")
        #expect(mixed.code == 1)
        #expect(mixed.objects.map { $0["good"] as? Bool } == [false, true])

        let other = try TestHome()
        let second = try await other.up()
        let imported = try await other.run("record", "import", good)
        #expect(imported.output.contains("accepted 3"), "\(imported.output)")
        #expect(try await rows(other, "gpu=rtx-4090").count == 1)
        _ = try await other.run("down")
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
        #expect(try await second.waitUntilEnded() == 0)
    }

    @Test func `the demo shows a whole market and leaves nothing behind`() async throws {
        let home = try TestHome()
        let demo = try await home.run("demo", "--json", environment: ["TMPDIR": home.path])
        #expect(demo.code == 0, "\(demo.complaint)")
        let events = demo.objects.compactMap { $0["event"] as? String }
        #expect(events.count { $0 == "listening" } == 5)
        #expect(events.count { $0 == "appeared" } == 3)
        #expect(
            events.drop { $0 != "leased" }.prefix(7)
                == ["leased", "ready", "paid", "closed", "receipt", "credit", "credit"]
        )
        #expect(events.suffix(3) == ["withdrawn", "goodbye", "cleaned_up"])
        let left = try FileManager.default.contentsOfDirectory(atPath: home.path).filter { $0.hasPrefix("rialto-demo") }
        #expect(left.isEmpty)
    }
}
