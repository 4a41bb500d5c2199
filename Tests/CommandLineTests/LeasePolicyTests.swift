import Foundation
import Testing

/// What a provider's policy file does to real leases.
@Suite(.serialized, .timeLimit(.minutes(2))) struct `A provider's policy in force` {
    private func document(_ path: String) -> [String: Any]? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any]
    }

    @Test func `hooks get the opened terms when a lease begins, and why it ended when it is over`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        // What is moved into place is whole.
        let hook = try provider.write(
            """
            #!/bin/sh
            cat > "$RIALTO_HOME/$RIALTO_EVENT.part" && mv "$RIALTO_HOME/$RIALTO_EVENT.part" "$RIALTO_HOME/$RIALTO_EVENT.$RIALTO_LEASE"
            """,
            to: "hook.sh",
            mode: 0o700
        )
        _ = try provider.write("lease_started: [\(hook)]\nlease_ended: [\(hook)]\n", to: "policy.yaml")
        let node = try await provider.up()
        let other = try await renter.up("--bootstrap", try node.address)
        let published = try await provider.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.36", "--json")
        let offer = try #require(published.objects.first?["offer_id"] as? String)
        try await eventually("the offer") { try await renter.run("search", "--json").objects.count == 1 ? () : nil }
        let placed = try await renter.run(
            "bid",
            "place",
            offer,
            "--for",
            "2h",
            "--image",
            "ubuntu:24.04",
            "--env",
            "TOKEN=secret",
            "--port",
            "8080",
            "--json",
            "--",
            "sleep",
            "60"
        )
        let lease = try #require(placed.objects.first?["lease_id"] as? String, "\(placed.complaint)")
        let started = try await eventually("the first hook") { document("\(provider.path)/lease_started.\(lease)") }
        #expect(started["event"] as? String == "lease_started" && started["lease_id"] as? String == lease)
        #expect(started["image"] as? String == "ubuntu:24.04" && started["command"] as? [String] == ["sleep", "60"])
        #expect(started["environment"] as? [String] == ["TOKEN=secret"] && started["ports"] as? [Int] == [8_080])
        #expect(started["slots"] as? [Int] == [0] && started["price_micros"] as? Int == 360_000)
        #expect(started["code"] == nil, "it has not ended")
        #expect(document("\(provider.path)/lease_ended.\(lease)") == nil)

        #expect(try await renter.run("lease", "close", lease, "--code", "1001").code == 0)
        let ended = try await eventually("the second hook") { document("\(provider.path)/lease_ended.\(lease)") }
        #expect(ended["code"] as? Int == 1_001 && ended["reason"] as? String == "workload failed")
        #expect(
            ended["image"] as? String == "ubuntu:24.04" && ended["renter"] as? String == started["renter"] as? String
        )
        for (home, node) in [(provider, node), (renter, other)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `bids are compared for as long as the award rule says, and the best has the GPU`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        _ = try provider.write("award: best 3s\nfloor: [0.20 USD]\n", to: "policy.yaml")
        let node = try await provider.up()
        let other = try await renter.up("--bootstrap", try node.address)
        let published = try await provider.run(
            "offer",
            "publish",
            "--gpu",
            "rtx-4090",
            "--price",
            "0.36",
            "--lowest-bid",
            "0.10",
            "--json"
        )
        let offer = try #require(published.objects.first?["offer_id"] as? String)
        try await eventually("the offer") { try await renter.run("search", "--json").objects.count == 1 ? () : nil }
        let low = try await renter.run("bid", "place", offer, "--for", "2h", "--price", "0.15")
        #expect(low.code == 1 && low.complaint.contains("0.20 USD for one GPU and hour would be considered"))
        // The first to come bids less.
        let bids = try ["0.30", "0.33"].map { price in
            try renter.start(["bid", "place", offer, "--for", "2h", "--price", price, "--json"])
        }
        try await eventually("the awards") { bids.contains { $0.0.isRunning } ? nil : () }
        #expect(bids.map(\.0.terminationStatus) == [1, 0])
        #expect(try String(contentsOfFile: bids[0].output + ".err", encoding: .utf8).contains("somebody else bid more"))
        let lease = try await provider.run("lease", "list", "--json").objects
        #expect(lease.map { $0["price_micros"] as? Int } == [330_000])
        for (home, node) in [(provider, node), (renter, other)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }
}
