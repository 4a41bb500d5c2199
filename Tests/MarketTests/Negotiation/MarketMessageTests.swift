import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Market messages` {
    typealias S = RecordSamples

    static func message(_ random: inout SeededRandom) -> MarketMessage {
        let lease = LeaseID(S.bytes16(random.below(99)))
        let content: MarketMessage.Content
        switch random.below(14) {
        case 0:
            content = .bid(envelope: random.bytes(1 + random.below(300)), sealedTerms: random.bytes(random.below(500)))
        case 1:
            let acceptance = LeaseAcceptance(acceptUntil: S.start, signature: random.bytes(64))
            content = .accept(BidID(random: &random), acceptance)
        case 2: content = .cancel(BidID(random: &random))
        case 3:
            let tick = MeterTick(
                lease: lease,
                number: 1 + random.next() >> 2,
                activeMilliseconds: Int64(random.below(1 << 40)),
                owedMicros: Int64(random.below(1 << 50))
            )
            content = .tick(tick.signed(network: "main", by: S.key(1)))
        case 4:
            let voucher = Voucher(
                lease: lease,
                nonce: 1 + random.next() >> 2,
                amountMicros: Int64(random.below(1 << 50)),
                tickHash: random.bytes(32)
            )
            content = .voucher(voucher.signed(network: "main", by: S.key(2)))
        case 5: content = .receipt(envelope: random.bytes(200))
        case 6: content = .state(envelope: random.bytes(200))
        case 7:
            let body = S.leaseBody(&random, issuedAt: S.start)
            let pasts = (0..<random.below(4)).map { _ in
                LeaseAward.Past(lease: random.bytes(300), close: random.bytes(random.below(2) * 200))
            }
            content = .award(LeaseAward(body: body, heldUntil: S.start + 9, pasts: pasts))
        case 8: content = .lease(envelope: random.bytes(300))
        case 9:
            let code = Refusal.Code.allCases[random.below(Refusal.Code.allCases.count)]
            content = .refusal(Refusal(code, nearestMicros: Int64(random.below(9)), retryMilliseconds: 7))
        case 10: content = .countersignature(envelope: random.bytes(300))
        case 11: content = .notice(lease, at: S.start)
        case 12:
            let words = (0..<random.below(4)).map { _ in random.bytes(1 + random.below(300)) }
            content = .held(envelope: random.bytes(300), words: words)
        default: content = .done
        }
        return MarketMessage(id: random.next() >> UInt64(random.below(64)), content: content)
    }

    @Test(arguments: 0..<60) func `messages come back as they were, and no bytes trap the decoder`(seed: Int) throws {
        var random = S.random(80_000 + seed)
        let message = Self.message(&random)
        let bytes = message.encoded
        #expect(try MarketMessage(parsing: bytes) == message)
        for _ in 0..<40 {
            var mutant = bytes
            switch random.below(4) {
            case 0: mutant = Array(mutant.prefix(random.below(mutant.count + 1)))
            case 1: for _ in 0...random.below(4) { mutant[random.below(mutant.count)] ^= UInt8(1 + random.below(255)) }
            case 2: mutant = random.bytes(random.below(200))
            default:
                let at = random.below(mutant.count)
                mutant.replaceSubrange(at...at, with: [UInt8](repeating: 0xff, count: 9) + [0x01])
            }
            if let read = try? MarketMessage(parsing: mutant) { #expect(read.encoded == mutant) }
        }
    }

    @Test func `too long a message is not looked at`() {
        let bytes = [UInt8](repeating: 0, count: MarketMessage.byteCountMax + 1)
        #expect(throws: RecordError.tooLong) { try MarketMessage(parsing: bytes) }
    }

    @Test func `sealed terms open for their provider, bid and bidder alone`() throws {
        let terms = LeaseTerms(
            image: "pytorch:2.9",
            command: ["python", "train.py"],
            environment: ["A=b\nc"],
            ports: [22, 8_080],
            accessKeys: ["ssh-ed25519 AAAA"]
        )
        let (salt, secret, ephemeral) = ([UInt8](repeating: 1, count: 32), [UInt8](1...32), [UInt8](2...33))
        let sealingKey = X25519.KeyPair(secret: secret).publicKey
        let (bid, bidder, provider) = (BidID(S.bytes16(1)), S.key(2).publicKey, S.key(1).publicKey)
        let box = try #require(
            terms.sealed(
                bid: bid,
                from: bidder,
                to: provider,
                sealingKey: sealingKey,
                salt: salt,
                ephemeralSecret: ephemeral
            )
        )
        #expect((box.count - SealedBox.overheadByteCount).isMultiple(of: 256))
        func open(
            _ box: [UInt8],
            bid: BidID = bid,
            from: Ed25519.PublicKey = bidder,
            hash: [UInt8]? = nil
        ) -> LeaseTerms? {
            let hash = hash ?? terms.hash(salt: salt)
            return LeaseTerms.opened(box, bid: bid, from: from, to: provider, hash: hash, secret: secret)
        }
        #expect(open(box) == terms)
        #expect(open(box, bid: BidID(S.bytes16(2))) == nil)
        #expect(open(box, from: S.key(3).publicKey) == nil)
        #expect(open(box, hash: [UInt8](repeating: 0, count: 32)) == nil)
        for index in stride(from: 0, to: box.count, by: 17) {
            var broken = box
            broken[index] ^= 1
            #expect(open(broken) == nil)
        }
        #expect(open([]) == nil && open(Array(box.prefix(40))) == nil)
        var long = terms
        long.command = [String](repeating: "x", count: LeaseTerms.Bounds.commandCountMax + 1)
        let refused = long.sealed(
            bid: bid,
            from: bidder,
            to: provider,
            sealingKey: sealingKey,
            salt: salt,
            ephemeralSecret: ephemeral
        )
        #expect(refused == nil)
    }
}
