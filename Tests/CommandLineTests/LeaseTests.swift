import Foundation
import Glibc
import Primitives
import Testing

/// How often a party is killed.
private let killCount = ProcessInfo.processInfo.environment["RIALTO_LEASE_KILLS"].flatMap { Int($0) } ?? 6

@Suite(.serialized, .timeLimit(.minutes(5 + killCount / 10))) struct `Leases of two processes` {
    /// A provider and a renter as processes of their own, each on a port that it keeps over its lives.
    private final class Street {
        let (provider, renter): (TestHome, TestHome)
        private(set) var nodes: [TestNode] = []
        private var ports: [String] = []
        private var address = ""
        let offer: String

        init(gpus: Int) async throws {
            (provider, renter) = (try TestHome(), try TestHome())
            let first = try await provider.up()
            address = try first.address
            let second = try await renter.up("--bootstrap", address)
            nodes = [first, second]
            ports = [try first.port, try second.port]
            let published = try await provider.run(
                "offer",
                "publish",
                "--gpu",
                "rtx-4090:\(gpus)",
                "--price",
                "0.36",
                "--min",
                "1s",
                "--json"
            )
            offer = try #require(published.objects.first?["offer_id"] as? String, "\(published.complaint)")
            let (renter, offer) = (renter, offer)
            try await eventually("the offer at the renter") {
                let rows = try await renter.run("search", "--json").objects
                return rows.contains { $0["offer_id"] as? String == offer } ? () : nil
            }
        }

        func bid(for time: String, more: [String] = []) async throws -> TestHome.Result {
            let (process, name) = try renter.start(["bid", "place", offer, "--for", time, "--json"] + more)
            try await eventually("the end of a bid") { process.isRunning ? nil : () }
            return TestHome.Result(
                code: process.terminationStatus,
                output: try String(contentsOfFile: name + ".out", encoding: .utf8),
                complaint: try String(contentsOfFile: name + ".err", encoding: .utf8)
            )
        }

        /// Ends a party as the kernel does when memory is out, and starts it again.
        func kill(party: Int) async throws {
            Glibc.kill(nodes[party].process.processIdentifier, SIGKILL)
            nodes[party].process.waitUntilExit()
            let home = party == 0 ? provider : renter
            var flags = ["up", "--json", "--api", "off", "--listen", "/ip4/127.0.0.1/tcp/\(ports[party])"]
            if party == 1 { flags += ["--bootstrap", address] }
            let (process, name) = try home.start(flags)
            let node = TestNode(process: process, outputPath: name + ".out")
            nodes[party] = node
            try await eventually("a node that is back") {
                guard process.isRunning else {
                    throw TestFailure((try? String(contentsOfFile: name + ".err", encoding: .utf8)) ?? "")
                }
                return node.events.contains { $0["event"] == "ready" } ? () : nil
            }
        }

        func leases(of home: TestHome) async throws -> [[String: Any]] {
            try await home.run("lease", "list", "--all", "--json").objects
        }

        func down() async throws {
            for (home, node) in zip([provider, renter], nodes) {
                _ = try await home.run("down")
                #expect(try await node.waitUntilEnded() == 0)
            }
        }
    }

    @Test func `a bid becomes a lease that both show, close, and have a receipt and credit for`() async throws {
        let street = try await Street(gpus: 2)
        let low = try await street.bid(for: "1h", more: ["--price", "0.10"])
        #expect(low.code == 1 && low.complaint.contains("0.36 USD for one GPU and hour would be considered"))
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample renter"
        let placed = try await street.bid(
            for: "1h",
            more: ["--gpus", "2", "--image", "ubuntu:24.04", "--env", "TOKEN=secret", "--ssh-key", key]
        )
        #expect(placed.code == 0, "\(placed.complaint)")
        let lease = try #require(placed.objects.first?["lease_id"] as? String)
        let full = try await street.bid(for: "1h")
        #expect(full.code == 1 && full.complaint.contains("not as many GPUs are free"))
        try await eventually("the lease to be ready") {
            try await street.leases(of: street.renter).first?["state"] as? String == "active" ? () : nil
        }
        try await eventually("word that all are let") {
            try await street.renter.run("search", "gpu=rtx-4090").output.split(separator: "\n").contains {
                $0.contains(" x2 ") && $0.hasSuffix(" let")
            } ? () : nil
        }
        let shown = try await street.provider.run("lease", "show", String(lease.prefix(8)), "--json").objects.first
        #expect(shown?["ssh_keys"] as? [String] == [key] && shown?["environment"] as? [String] == ["TOKEN=secret"])
        #expect(shown?["role"] as? String == "provider" && shown?["slots"] as? [Int] == [0, 1])
        let text = try await street.renter.run("lease", "show", String(lease.prefix(8)))
        #expect(text.output.contains("env       TOKEN\n") && !text.output.contains("secret"))

        let wrong = try await street.renter.run("lease", "close", String(lease.prefix(8)), "--code", "2001")
        #expect(wrong.code == 2 && wrong.complaint.contains("a renter's is 1xxx"))
        let closed = try await street.renter.run("lease", "close", String(lease.prefix(8)))
        #expect(closed.output == "closed \(lease): done\n", "\(closed.complaint)")
        let receipt = try await eventually("the countersignature") {
            let receipts = try await street.provider.run("lease", "receipts", "--json").objects
            return receipts.first { $0["countersignature_id"] != nil }
        }
        #expect(receipt["code"] as? Int == 1_000 && receipt["owed_micros"] as? Int == receipt["paid_micros"] as? Int)
        let earned = try await street.provider.run("credit", "--json").objects.first
        let spent = try await street.renter.run("credit", "--json").objects.first
        #expect(earned?["micros"] as? Int == receipt["paid_micros"] as? Int)
        #expect((earned?["micros"] as? Int).map { -$0 } == spent?["micros"] as? Int)
        try await street.down()
    }

    /// The whole life of leases with kill −9 of either side at random points; `RIALTO_LEASE_KILLS` asks for more of them.
    @Test func `killed at random points lease no GPU twice and sign every receipt`() async throws {
        let street = try await Street(gpus: 10)
        var random = SeededRandom(seed: [UInt8](repeating: 9, count: SeededRandom.seedByteCount))
        for kill in 0..<killCount {
            for _ in 0..<(kill == 0 ? 10 : 2) {
                _ = try street.renter.start(["bid", "place", street.offer, "--for", "6s", "--no-wait", "--json"])
            }
            try await Task.sleep(for: .milliseconds(random.below(1_500)))
            try await street.kill(party: random.below(2))
        }
        let (provided, rented) = try await eventually("every lease to be signed by both") {
            let all = [try await street.leases(of: street.provider), try await street.leases(of: street.renter)]
            let isOver = all.allSatisfy { $0.allSatisfy { $0["countersignature_id"] != nil } }
            return isOver && all[0].count == all[1].count ? (all[0], all[1]) : nil
        }
        #expect(!provided.isEmpty)
        for lease in provided { #expect(lease["state"] as? String == "closed" && lease["why"] is String) }
        expectNoOverlap(provided)
        let paid = provided.reduce(0) { $0 + ($1["paid_micros"] as? Int ?? 0) }
        let promised = rented.reduce(0) { $0 + ($1["paid_micros"] as? Int ?? 0) }
        let earned = try await street.provider.run("credit", "--json").objects.first?["micros"] as? Int ?? 0
        let spent = try await street.renter.run("credit", "--json").objects.first?["micros"] as? Int ?? 0
        #expect(earned == paid && spent == -promised && promised >= paid)
        try await street.down()
    }

    private func expectNoOverlap(_ leases: [[String: Any]]) {
        struct Span {
            let slot: Int
            let from: Int
            let to: Int
        }
        let spans = leases.flatMap { lease -> [Span] in
            let from = lease["start_unix_ms"] as? Int ?? 0
            let to = min(lease["end_unix_ms"] as? Int ?? 0, lease["closed_unix_ms"] as? Int ?? .max)
            return (lease["slots"] as? [Int] ?? []).map { Span(slot: $0, from: from, to: to) }
        }.sorted { ($0.slot, $0.from) < ($1.slot, $1.from) }
        for (one, next) in zip(spans, spans.dropFirst()) where one.slot == next.slot {
            #expect(one.to <= next.from, "GPU \(one.slot) is leased to two at a time")
        }
    }
}
