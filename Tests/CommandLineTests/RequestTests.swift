import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `Requests at the command line` {
    @Test func `two providers underbid each other, and the renter sees whom it would take`() async throws {
        let (renter, first, second) = (try TestHome(), try TestHome(), try TestHome())
        let node = try await renter.up()
        let others = [
            try await first.up("--bootstrap", try node.address), try await second.up("--bootstrap", try node.address),
        ]
        for (home, lowest) in [(first, "0.38"), (second, "0.20")] {
            let published = try await home.run(
                "offer",
                "publish",
                "--gpu",
                "rtx-4090:2",
                "--price",
                "0.40",
                "--lowest-bid",
                lowest
            )
            #expect(published.code == 0, "\(published.complaint)")
        }
        try await eventually("two offers") { try await renter.run("search", "--json").objects.count == 2 ? () : nil }

        let asked = try await renter.run(
            "request",
            "publish",
            "--gpu",
            "rtx-4090",
            "--for",
            "4h",
            "--total",
            "1.60",
            "--open",
            "10m",
            "--manual",
            "--json"
        )
        #expect(asked.code == 0, "\(asked.complaint)")
        let request = try #require(asked.objects.first?["request_id"] as? String)
        // One leaves at 0.38; the other stays where it is the cheapest.
        let bids = try await eventually("the end of the bidding") {
            let bids = try await renter.run("request", "bids", String(request.prefix(8)), "--json").objects
            let prices = bids.compactMap { $0["price_micros"] as? Int }
            return prices.count == 2 && prices[0] < 380_000 && prices[0] < prices[1] ? bids : nil
        }
        #expect(bids.allSatisfy { $0["shortfall"] == nil && $0["trust"] as? Double == 0.3 })
        let cheapest = try #require(bids[0]["price_micros"] as? Int)
        #expect(bids[0]["total_micros"] as? Int == cheapest * 4)

        let book = try #require(try await first.run("book", "rtx-4090", "--json").objects.first)
        let want = try #require((book["requests"] as? [[String: Any]])?.first)
        #expect(want["request_id"] as? String == request && want["price_micros_max"] as? Int == 400_000)
        #expect(want["bids"] as? Int == 2)
        let row = try #require(try await renter.run("request", "list", "--json").objects.first)
        #expect(row["state"] as? String == "open" && row["fitting"] as? Int == 2)

        #expect(try await renter.run("request", "withdraw", String(request.prefix(8))).code == 0)
        #expect(try await renter.run("request", "list", "--json").objects.first?["state"] as? String == "withdrawn")
        try await eventually("the end of the request elsewhere") {
            let book = try await first.run("book", "rtx-4090", "--json").objects.first
            return (book?["requests"] as? [Any])?.isEmpty == true ? () : nil
        }
        for (home, node) in zip([renter, first, second], [node] + others) {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `the best private bid at the deadline becomes a lease, and nobody else hears of any`() async throws {
        let (renter, dear, cheap) = (try TestHome(), try TestHome(), try TestHome())
        let node = try await renter.up()
        let address = try node.address
        let others = [try await dear.up("--bootstrap", address), try await cheap.up("--bootstrap", address)]
        for (home, lowest) in [(dear, "0.38"), (cheap, "0.25")] {
            _ = try await home.run(
                "offer",
                "publish",
                "--gpu",
                "rtx-4090",
                "--price",
                "0.40",
                "--lowest-bid",
                lowest
            )
        }
        try await eventually("two offers") { try await renter.run("search", "--json").objects.count == 2 ? () : nil }
        func ask(_ more: String...) async throws -> String {
            let words = ["request", "publish", "--gpu", "rtx-4090", "--for", "4h", "--total", "1.60", "--json"]
            let (process, name) = try renter.start(words + ["--private", "--image", "ubuntu:24.04"] + more)
            try await eventually("a request") { process.isRunning ? nil : () }
            let output = try String(contentsOfFile: name + ".out", encoding: .utf8)
            let view = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
            #expect(view?["public_bids"] as? Bool == false)
            return try #require(view?["request_id"] as? String)
        }
        let byHand = try await ask("--manual")
        let bids = try await eventually("both bids") {
            let bids = try await renter.run("request", "bids", byHand, "--json").objects
            return bids.count == 2 ? bids : nil
        }
        #expect(bids.map { $0["price_micros"] as? Int } == [250_000, 380_000], "each names its lowest price at once")
        let book = try #require(try await dear.run("book", "rtx-4090", "--json").objects.first)
        let want = try #require((book["requests"] as? [[String: Any]])?.first)
        #expect(want["bids"] as? Int == 0 && (book["bids"] as? [Any])?.isEmpty == true, "\(book)")

        let second = try #require(bids[1]["bid_id"] as? String)
        let accepted = try await renter.run("request", "accept", byHand, String(second.prefix(8)), "--json")
        #expect(accepted.code == 0, "\(accepted.complaint)")
        let lease = try #require(accepted.objects.first?["lease_id"] as? String)
        let shown = try await dear.run("lease", "show", lease, "--json").objects.first
        #expect(shown?["price_micros"] as? Int == 380_000 && shown?["image"] as? String == "ubuntu:24.04")

        let automatic = try await ask("--open", "3s")
        let row = try await eventually("the deadline") {
            let rows = try await renter.run("request", "list", "--json").objects
            return rows.first { $0["request_id"] as? String == automatic && $0["state"] as? String == "leased" }
        }
        let won = try await cheap.run("lease", "show", row["lease_id"] as? String ?? "", "--json").objects.first
        #expect(won?["price_micros"] as? Int == 250_000)
        for (home, node) in zip([renter, dear, cheap], [node] + others) {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `a policy that says no keeps a provider silent, and a dear request nobody answers`() async throws {
        let (renter, provider) = (try TestHome(), try TestHome())
        _ = try provider.write("bid_on_requests: false\n", to: "policy.yaml")
        let node = try await renter.up()
        let other = try await provider.up("--bootstrap", try node.address)
        #expect(try await provider.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.40").code == 0)
        try await eventually("the offer") { try await renter.run("search", "--json").objects.count == 1 ? () : nil }
        func ask(_ total: String) async throws -> String {
            let asked = try await renter.run(
                "request",
                "publish",
                "--gpu",
                "rtx-4090",
                "--for",
                "4h",
                "--total",
                total,
                "--manual",
                "--json"
            )
            return try #require(asked.objects.first?["request_id"] as? String, "\(asked.complaint)")
        }
        let silent = try await ask("1.60")
        _ = try provider.write("bid_on_requests: true\n", to: "policy.yaml")
        #expect(try await provider.run("config", "reload").output == "changed: policy\n")
        let cheap = try await ask("1.59")
        let fair = try await ask("1.60")
        try await eventually("the bid") {
            try await renter.run("request", "bids", fair, "--json").objects.count == 1 ? () : nil
        }
        for request in [silent, cheap] {
            #expect(try await renter.run("request", "bids", request).output == "no bids yet\n")
        }
        func publish(for span: String, total: String) async throws -> TestHome.Result {
            let words = ["request", "publish", "--gpu", "rtx-4090", "--manual", "--for", span, "--total", total]
            return try await renter.run(words)
        }
        let nothing = try await publish(for: "90m", total: "0")
        #expect(nothing.code == 2 && nothing.complaint.contains("nobody lets GPUs for nothing"))
        #expect(try await publish(for: "90m", total: "0.60").code == 0)
        #expect(try await publish(for: "1h30m", total: "0.61").code == 0)
        let list = try await renter.run("request", "list").lines
        #expect(
            list.filter { $0.contains("  1h30m  ") }.count == 2 && list.contains { $0.contains("  4h  ") },
            "\(list)"
        )
        let words = ["request", "publish", "--gpu", "rtx-4090", "--for", "4h", "--total", "1.59", "--open", "1s"]
        #expect(try await renter.run(words).code == 0)
        try await eventually("the reason why nothing came of it") {
            let lines = try await renter.run("request", "list").lines
            let reason = " failed: 1 offer had what was asked, and no provider bid for that price"
            return lines.contains { $0.hasPrefix("request ") && $0.hasSuffix(reason) } ? () : nil
        }
        let accepted = try await renter.run("request", "accept", cheap)
        #expect(accepted.code == 1)
        for (home, node) in [(renter, node), (provider, other)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }
}
