import Foundation
import Glibc
import Testing

@Suite(.serialized, .timeLimit(.minutes(3))) struct `Settlement by a program` {
    /// A rail that takes each key once: who asks again hears what it was told before.
    ///
    /// It takes its time, so that a node may be killed
    /// before, while and after it pays.
    private static let rail = """
        #!/bin/sh
        cat > "$RIALTO_HOME/asked.json"
        echo "$RIALTO_SETTLEMENT" >> "$RIALTO_HOME/calls"
        sleep 0.2
        (
            flock 9
            grep -q "^$RIALTO_SETTLEMENT " "$RIALTO_HOME/paid" 2>/dev/null ||
                echo "$RIALTO_SETTLEMENT PAY-$(wc -l < "$RIALTO_HOME/calls" | tr -d ' ')" >> "$RIALTO_HOME/paid"
        ) 9> "$RIALTO_HOME/rail.lock"
        sleep 0.2
        sed -n "s/^$RIALTO_SETTLEMENT //p" "$RIALTO_HOME/paid"
        """

    private func lines(_ home: TestHome, _ name: String) -> [String] {
        let text = (try? String(contentsOfFile: "\(home.path)/\(name)", encoding: .utf8)) ?? ""
        return text.split(separator: "\n").map(String.init)
    }

    private func up(_ home: TestHome, port: String, _ more: [String] = []) async throws -> TestNode {
        let flags = ["up", "--json", "--api", "off", "--listen", "/ip4/127.0.0.1/tcp/\(port)"] + more
        let (process, name) = try home.start(flags)
        let node = TestNode(process: process, outputPath: name + ".out")
        try await eventually("a node that is ready") {
            guard process.isRunning else {
                throw TestFailure((try? String(contentsOfFile: name + ".err", encoding: .utf8)) ?? "")
            }
            return node.events.contains { $0["event"] == "ready" } ? () : nil
        }
        return node
    }

    @Test func `pays each lease once, whenever the node is killed, and the receipt says what it is called`()
        async throws
    {
        let (provider, renter) = (try TestHome(), try TestHome())
        let rail = try provider.write(Self.rail, to: "rail.sh", mode: 0o700)
        _ = try provider.write("settlement: exec\nsettle: [\(rail)]\nmeter: 1s\n", to: "policy.yaml")
        var node = try await provider.up()
        let (address, port) = (try node.address, try node.port)
        let other = try await renter.up("--bootstrap", address)
        let published = try await provider.run(
            "offer",
            "publish",
            "--gpu",
            "rtx-4090:4",
            "--price",
            "0.36",
            "--min",
            "1s",
            "--json"
        )
        let offer = try #require(published.objects.first?["offer_id"] as? String, "\(published.complaint)")
        try await eventually("the offer") {
            try await renter.run("search", "--json").objects.first?["settlements"] as? [String] == ["exec"] ? () : nil
        }
        var leases: [String] = []
        // Killed before it has paid, when it has paid and not said so, and about when its answer is written.
        for pause in [100, 300, 420, 5_000] {
            let placed = try await renter.run("bid", "place", offer, "--for", "2s", "--json")
            let lease = try #require(placed.objects.first?["lease_id"] as? String, "\(placed.complaint)")
            leases.append(lease)
            let calls = lines(provider, "calls").count
            try await eventually("a call") { lines(provider, "calls").count > calls ? () : nil }
            guard pause < 5_000 else { break }
            try await Task.sleep(for: .milliseconds(pause))
            Glibc.kill(node.process.processIdentifier, SIGKILL)
            node.process.waitUntilExit()
            node = try await up(provider, port: port)
            try await eventually("the receipt") {
                let receipts = try await renter.run("lease", "receipts", "--json").objects
                return receipts.contains { $0["lease_id"] as? String == lease } ? () : nil
            }
        }
        let receipts = try await eventually("every receipt") {
            let receipts = try await provider.run("lease", "receipts", "--json").objects
            return receipts.count { $0["countersignature_id"] != nil } == leases.count ? receipts : nil
        }
        let paid = lines(provider, "paid").map { $0.split(separator: " ").map(String.init) }
        #expect(paid.count == leases.count, "each key is paid once: \(paid)")
        #expect(lines(provider, "calls").count > leases.count, "it was asked again after a kill")
        for lease in leases {
            let payment = try #require(paid.first { $0[0].hasPrefix(lease) })
            let receipt = try #require(receipts.first { $0["lease_id"] as? String == lease })
            #expect(receipt["settlement_reference"] as? String == payment[1])
            let shown = try await provider.run("lease", "show", lease)
            #expect(shown.output.contains("settled   by exec: \(payment[1])\n"), "\(shown.output)")
        }
        let asked = try #require(
            try JSONSerialization.jsonObject(
                with: Data(contentsOf: URL(fileURLWithPath: provider.path + "/asked.json"))
            )
                as? [String: Any]
        )
        #expect(asked["role"] as? String == "provider" && asked["lease_id"] as? String == leases.last)
        #expect((asked["voucher"] as? [String: Any])?["amount_micros"] as? Int == asked["amount_micros"] as? Int)
        #expect(try await provider.run("credit", "--json").output.isEmpty, "nobody owes anybody")
        for (home, node) in [(provider, node), (renter, other)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `that cannot work is refused with what to do`() async throws {
        let home = try TestHome()
        _ = try home.write("settlement: exec\n", to: "policy.yaml")
        let checked = try await home.run("config", "check")
        #expect(checked.code == 2 && checked.complaint.contains("no program settles"))
        #expect(checked.complaint.contains("settle: [/usr/local/bin/settle]"))
        _ = try home.write("settlement: cash\n", to: "policy.yaml")
        #expect(try await home.run("config", "check").complaint.contains("write one of: credit, manual, exec"))
        _ = try home.write("settlement: manual\n", to: "policy.yaml")
        let node = try await home.up()
        func publish(_ more: String...) async throws -> TestHome.Result {
            let words = ["offer", "publish", "--gpu", "rtx-4090", "--price", "0.36", "--json"] + more
            let (process, name) = try home.start(words)
            try await eventually("an offer") { process.isRunning ? nil : () }
            return TestHome.Result(
                code: process.terminationStatus,
                output: try String(contentsOfFile: name + ".out", encoding: .utf8),
                complaint: try String(contentsOfFile: name + ".err", encoding: .utf8)
            )
        }
        let exec = try await publish("--settlement", "exec")
        #expect(exec.code != 0 && exec.complaint.contains("needs a program that settles"), "\(exec.complaint)")
        let cash = try await publish("--settlement", "cash")
        #expect(cash.code != 0 && cash.complaint.contains("choose credit, manual or exec"), "\(cash.complaint)")
        let manual = try await publish()
        let offer = try #require(manual.objects.first?["offer_id"] as? String, "\(manual.complaint)")
        #expect(try await home.run("offer", "show", offer).output.contains("settled   by manual\n"))
        #expect(try await home.run("down").code == 0)
        #expect(try await node.waitUntilEnded() == 0)
    }
}
