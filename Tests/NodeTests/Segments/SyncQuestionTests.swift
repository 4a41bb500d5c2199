import Cryptography
import Identity
import Market
import Primitives
import TestSupport
import Testing

@testable import Node

/// Questions about lanes that the asker does not follow.
@Suite struct `Offers asked for by a stranger` {
    private var pair = SyncPair()
    private static let lane = 4

    /// The lane of AMD's consumer GPUs, in which the pair's offers lie.
    private var lane: Int {
        MarketProfile.first.lanes.firstIndex(of: .offers(Segment(marketClass: .amdConsumer, shard: 0))) ?? -1
    }

    private mutating func ask(
        network: String = "main",
        lanes: [Int]? = nil,
        models: Set<String> = [],
        after: OfferPlace? = nil
    ) -> SyncFinding? {
        let question = SyncQuestion(network: network, lanes: lanes ?? [lane], models: models, after: after)
        let query = UInt64(pair.findings.count + 1)
        pair.feed(0, .search(.find(question, for: SyncQueryID(rawValue: query)), SyncPair.peers[1]))
        #expect(pair.findings.last?.query == query)
        return pair.findings.last?.finding
    }

    /// Offers of the last half hour, which vouch for themselves, the dearest first.
    private static func offers(_ numbers: Range<Int>) throws -> [SignedRecord] {
        try numbers.reversed().map { try SyncPair.offer($0, by: 100 + $0 / 50, minutes: 24 * 60) }
    }

    @Test mutating func `come by price, whole, and only of the lanes that are asked about`() throws {
        pair.meet()
        pair.give(try Self.offers(0..<10), to: 1)
        let finding = ask()
        #expect(finding?.ids == Set(try Self.offers(0..<10).map(\.id)))
        #expect(finding?.next == nil && finding?.unknown == [])
        #expect(pair.books[0].listings.count == 10)
        #expect(ask(lanes: [0])?.ids == [])
        #expect(ask(network: "other")?.unknown == [UInt8(lane)])
        #expect(pair.misbehaviours.isEmpty)
    }

    @Test mutating func `come in pages that go on where the last ended`() throws {
        pair.meet()
        let offers = try Self.offers(0..<600)
        pair.give(offers, to: 1)
        var (ids, after, pages): (Set<RecordID>, OfferPlace?, Int) = ([], nil, 0)
        repeat {
            let finding = try #require(ask(after: after))
            #expect(finding.ids.isDisjoint(with: ids))
            // The cheapest that were not seen yet.
            let cheapest = pair.books[1].listings.map(\.place).sorted().dropFirst(ids.count).prefix(finding.ids.count)
            #expect(Set(cheapest.map(\.id)) == finding.ids)
            ids.formUnion(finding.ids)
            (after, pages) = (finding.next, pages + 1)
        } while after != nil && pages < 10
        #expect(ids == Set(offers.map(\.id)) && pages == 3)
    }

    @Test mutating func `of models, only rows that may have one`() throws {
        pair.meet()
        pair.give(try Self.offers(0..<3), to: 1)
        // Whose machine is not known may have any.
        #expect(ask(models: ["rx-7900-xtx"])?.ids.count == 3)
    }

    @Test mutating func `of a peer that is no partner come to nothing, and so if it leaves`() {
        pair.feed(
            0,
            .search(
                .find(SyncQuestion(network: "main", lanes: [1], models: []), for: .init(rawValue: 9)),
                SyncPair.peers[1]
            )
        )
        #expect(pair.findings.map(\.query) == [9] && pair.findings[0].finding == nil)
    }

    private static let id = RecordID([UInt8](repeating: 7, count: 32))

    @Test func `are written as they are read`() throws {
        let id = try #require(Self.id)
        let place = OfferPlace(micros: 350_000, id: id)
        let question = SyncQuestion(network: "main", lanes: [2, 15], models: ["rtx-4090", "a100"], after: place)
        let request = SyncRequest.find(question)
        #expect(try SyncRequest(parsing: request.encoded.span) == request)
        for next in [nil, place] {
            let answer = SyncAnswer.found(RecordBatch(packing: [[1, 2, 3]]), unknown: [3], next: next)
            #expect(try SyncAnswer(parsing: answer.encoded.span) == answer)
        }
    }

    static let malformed: [([UInt8], SyncError)] = [
        // Lanes that do not ascend.
        ([0x2a, 0x04, 0x12, 0x02, 2, 2], .lanes),
        // A place without an id, and one whose id is short.
        ([0x2a, 0x02, 0x22, 0x00], .ids),
        ([0x2a, 0x05, 0x22, 0x03, 0x12, 0x01, 1], .ids),
        ([0x2a, 0xc6, 0x01] + Array(repeating: [0x1a, 0x01, 0x61], count: 66).flatMap(\.self), .models),
        ([0x2a, 0x02, 0x1a, 0x00], .models),
    ]

    @Test(arguments: malformed.indices) func `are refused if they are none`(row: Int) {
        let (bytes, error) = Self.malformed[row]
        #expect(throws: error) { try SyncRequest(parsing: bytes.span) }
    }
}
