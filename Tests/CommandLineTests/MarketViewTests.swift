import Cryptography
import Foundation
import Identity
import Market
import Testing

@Suite(.serialized, .timeLimit(.minutes(2))) struct `What the market looks like from a node` {
    private func eventuallyRows(_ home: TestHome, _ count: Int) async throws {
        try await eventually("\(count) offers") {
            try await home.run("search", "--json").objects.count == count ? () : nil
        }
    }

    @Test func `prices and the order book of a GPU, and a newcomer's trust`() async throws {
        let (provider, renter) = (try TestHome(), try TestHome())
        let first = try await provider.up()
        let second = try await renter.up("--bootstrap", try first.address)
        for price in ["0.35", "0.30", "0.40"] {
            #expect(try await provider.run("offer", "publish", "--gpu", "rtx-4090", "--price", price).code == 0)
        }
        try await eventuallyRows(renter, 3)
        let stats = try #require(try await renter.run("stats", "rtx-4090", "--json").objects.first)
        let asked = try #require(stats["asked"] as? [String: Int])
        #expect(asked == ["samples": 3, "p10_micros": 300_000, "median_micros": 350_000, "p90_micros": 400_000])
        #expect(stats["leased"] == nil && stats["unit"] as? String == "USD")
        let table = try await renter.run("stats")
        #expect(table.lines.count == 2 && table.lines[1].hasPrefix("rtx-4090  USD   0.30"), "\(table.output)")

        let book = try #require(try await renter.run("book", "rtx-4090", "--json").objects.first)
        let asks = try #require(book["asks"] as? [[String: Any]])
        #expect(asks.map { $0["price_micros"] as? Int } == [300_000, 350_000, 400_000])
        #expect((book["bids"] as? [Any])?.isEmpty == true && (book["requests"] as? [Any])?.isEmpty == true)
        let slip = try await renter.run("book", "rtx-4091")
        #expect(slip.code == 2 && slip.complaint.contains("did you mean 'rtx-4090'?"))

        let peer = try #require(asks.first?["provider"] as? String)
        let trust = try #require(try await renter.run("trust", peer, "--json").objects.first)
        #expect(trust["trust"] as? Double == 0.3 && trust["summary"] as? String == "newcomer")
        let words = try await renter.run("trust", peer)
        #expect(words.lines.first?.hasPrefix("trust 0.30 ± 0.26") == true, "\(words.output)")
        let rows = try await renter.run("search", "trust>=0.3", "--sort", "trust", "--json").objects
        #expect(rows.count == 3 && rows.allSatisfy { $0["trust"] as? Double == 0.3 })
        #expect(try await renter.run("search", "trust>0.3", "--json").objects.isEmpty)
        for (home, node) in [(provider, first), (renter, second)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    /// A lease that the key of a home signed, on the first slot that the machine has, accepted by some renter.
    private func lease(by key: Ed25519.PrivateKey, _ machine: MachineBody, renter: UInt8) throws -> SignedRecord {
        let now = Int64(Date().timeIntervalSince1970 * 1_000)
        let guest = Ed25519.PrivateKey(seed: [UInt8](repeating: renter, count: 32))
        let body = LeaseBody(
            marketClass: machine.marketClass,
            machine: machine.machine,
            offer: try #require(OfferID([UInt8](repeating: 1, count: 16))),
            provider: key.publicKey,
            renter: guest.publicKey,
            bid: try #require(BidID([UInt8](repeating: renter, count: 16))),
            slots: [LeaseBody.Slot(number: machine.devices[0].slot, previous: nil)],
            startAt: now,
            endAt: now + 3_600_000,
            price: PriceTerms(unit: "USD", gpuHourMicros: 350_000),
            capMicros: 350_000,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 20_000,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: 5, count: 32)
        )
        let acceptance = LeaseAcceptance(accepting: body, network: "main", until: now + 30_000, by: guest)
        let record = Record(
            network: "main",
            sequence: UInt64(now) + UInt64(renter),
            issuedAt: now,
            expiresAt: body.endAt + LeaseBody.Bounds.tailMilliseconds,
            body: .lease(AcceptedLease(body: body, acceptance: acceptance))
        )
        return try SignedRecord(signing: record, by: key)
    }

    private func line(_ record: SignedRecord) -> String {
        record.envelope.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    /// Two nodes saw one lease each; once they meet, the proof is everywhere, and whoever has nothing but the proof can check it.
    @Test func `a double-leaser is found out where its two leases meet, and its offers vanish at three nodes`()
        async throws
    {
        let (culprit, second, third) = (try TestHome(), try TestHome(), try TestHome())
        let nodeA = try await culprit.up()
        #expect(try await culprit.run("offer", "publish", "--gpu", "rtx-4090", "--price", "0.35").code == 0)
        let nodeB = try await second.up("--bootstrap", try nodeA.address)
        let nodeC = try await third.up()
        try await eventuallyRows(second, 1)
        let export = try await second.run("record", "export")
        #expect(try await third.run("record", "import", try third.write(export.output, to: "market.txt")).code == 0)
        try await eventuallyRows(third, 1)

        // libp2p's key file: type, length, then seed and public key.
        let file = try Data(contentsOf: URL(fileURLWithPath: culprit.path + "/identity.key"))
        let key = Ed25519.PrivateKey(seed: Array(file.dropFirst(4).prefix(32)))
        let envelopes = export.lines.compactMap { EnvelopeLine.bytes($0) }.compactMap {
            try? SignedRecord(envelope: $0)
        }
        let machines = envelopes.compactMap { record -> MachineBody? in
            if case .machine(let body) = record.record.body { body } else { nil }
        }
        let machine = try #require(machines.first)
        for (home, renter) in [(second, UInt8(11)), (third, UInt8(12))] {
            let file = try home.write(line(try lease(by: key, machine, renter: renter)), to: "lease.txt")
            #expect(try await home.run("record", "import", file).output.contains("accepted 1"))
            #expect(try await home.run("search", "--json").objects.count == 1, "one lease alone proves nothing")
        }
        #expect(try await third.run("peers", "connect", try nodeB.address).code == 0)
        for home in [culprit, second, third] { try await eventuallyRows(home, 0) }

        let peer = PeerID(publicKey: key.publicKey).description
        let trust = try #require(try await third.run("trust", peer, "--json").objects.first)
        #expect(trust["trust"] as? Double == 0 && trust["proven"] as? Bool == true)
        let proof = try #require((trust["proofs"] as? [String])?.first)
        let shown = try #require(try await third.run("record", "show", proof).objects.first)
        let alone = try TestHome()
        let verdict = try await alone.run(
            "record",
            "verify",
            try alone.write(try #require(shown["envelope"] as? String), to: "proof.txt")
        )
        #expect(verdict.code == 0)
        #expect(verdict.lines[0] == "1: good proof \(proof)")
        #expect(
            verdict.lines[1]
                == "   \(peer) leased one device twice: slot 0 of machine \(machine.machine), twice as its first"
        )
        #expect(verdict.lines[2].hasPrefix("   lease ") && verdict.lines[2].hasSuffix("signed by both"))
        for (home, node) in [(culprit, nodeA), (second, nodeB), (third, nodeC)] {
            #expect(try await home.run("down").code == 0)
            #expect(try await node.waitUntilEnded() == 0)
        }
    }
}

/// Base64url without padding, as exports have it.
private enum EnvelopeLine {
    static func bytes(_ line: String) -> [UInt8]? {
        let standard = line.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        return Data(base64Encoded: standard + padding).map { Array($0) }
    }
}
