import Cryptography
import Identity
import Kademlia
import Market
import OrderedCollections
import Primitives
import TestSupport
import Testing

@testable import Node

/// The machine of a search by hand: who is asked, and who is caught.
@Suite struct `A search in foreign segments` {
    private static let lane = MarketProfile.first.lanes.firstIndex(
        of: .offers(Segment(marketClass: .amdConsumer, shard: 0))
    )
    private static let settled = SyncPair.epoch + 3_600_000

    private var search: SegmentSearch
    private var book = RecordBook()
    private let lane: Int

    init() throws {
        lane = try #require(Self.lane)
        search = SegmentSearch(lanes: [lane], models: [], unixMilliseconds: Self.settled, at: .zero)
    }

    private static func peer(_ number: Int) -> PeerID { `Address tables`.peer(number) }

    private func candidate(_ number: Int, network: UInt8) -> SegmentSearch.Candidate {
        let group = IPGroup(IPAddress(20, network, 0, UInt8(number)))
        return SegmentSearch.Candidate(peer: Self.peer(number), group: group, lanes: [lane])
    }

    private mutating func give(_ records: [SignedRecord]) {
        var changes: [BookChange] = []
        for record in records { _ = book.admit(record, at: SyncPair.epoch, into: &changes) }
    }

    /// Offers that are an hour old when the search begins, with presences that vouch for them.
    private static func offers(_ numbers: Range<Int>) throws -> [SignedRecord] {
        try numbers.map { try SyncPair.offer($0, by: $0, minutes: 24 * 60) }
    }

    private static func presences(_ numbers: Range<Int>) throws -> [SignedRecord] {
        try numbers.map { number in
            let body = PresenceBody(
                marketClass: .amdConsumer,
                highSequence: 5,
                offerCount: 1,
                offerDigest: [UInt8](repeating: 1, count: 16),
                addresses: []
            )
            let record = Record(
                network: "main",
                sequence: 6,
                issuedAt: settled - 60_000,
                expiresAt: settled + 29 * 60_000,
                body: .presence(body)
            )
            return try SignedRecord(signing: record, by: SyncPair.key(number))
        }
    }

    @Test mutating func `asks three in distinct networks, in the order of their standing`() {
        let candidates = [
            candidate(1, network: 1), candidate(2, network: 1), candidate(3, network: 2), candidate(4, network: 3),
            candidate(5, network: 4),
        ]
        let asked = search.choose(from: candidates, at: .zero)
        #expect(asked.map(\.0) == [1, 3, 4].map(Self.peer))
        #expect(asked.allSatisfy { $0.1 == .find(after: nil, lanes: [lane]) })
        #expect(search.lacking.isEmpty)
    }

    @Test mutating func `waits three seconds for more replicas, then takes what it has`() {
        _ = search.choose(from: [candidate(1, network: 1)], at: .zero)
        _ = search.found(SyncFinding(), by: Self.peer(1), at: .zero)
        #expect(search.nextDeadline == Instant.zero.advanced(by: .seconds(3)))
        #expect(!search.isOver(at: .zero))
        let later = Instant.zero.advanced(by: .seconds(3))
        search.expire(at: later)
        #expect(search.isOver(at: later))
        #expect(search.report(.first).weak.map(\.name) == ["amd-consumer/0"])
    }

    @Test mutating func `replaces a replica that does not answer`() {
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) }, at: .zero)
        #expect(search.found(nil, by: Self.peer(2), at: .zero) == nil)
        #expect(search.lacking == [lane])
        #expect(search.choose(from: [candidate(4, network: 2)], at: .zero).isEmpty, "its neighbour is no other network")
        #expect(search.choose(from: [candidate(5, network: 5)], at: .zero).map(\.0) == [Self.peer(5)])
    }

    private static func after(_ milliseconds: Int) -> Instant { Instant.zero.advanced(by: .milliseconds(milliseconds)) }

    @Test mutating func `a silent replica is doubled after two seconds, and the search does not wait for it`() throws {
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) }, at: .zero)
        for number in 1...2 { _ = search.found(SyncFinding(), by: Self.peer(number), at: Self.after(100)) }
        #expect(search.nextDeadline == Self.after(2_000) && search.lacking.isEmpty)
        search.expire(at: Self.after(1_999))
        #expect(search.lacking.isEmpty && search.slow.isEmpty)
        search.expire(at: Self.after(2_000))
        #expect(search.lacking == [lane] && search.slow == [Self.peer(3)])
        #expect(search.nextDeadline == Self.after(3_000), "others may still turn up")
        let asked = search.choose(from: [candidate(4, network: 4)], at: Self.after(2_000))
        #expect(asked.map(\.0) == [Self.peer(4)] && asked.map(\.1) == [.find(after: nil, lanes: [lane])])
        #expect(!search.isOver(at: Self.after(2_000)) && search.lacking.isEmpty)
        _ = search.found(SyncFinding(), by: Self.peer(4), at: Self.after(2_100))
        #expect(search.isOver(at: Self.after(2_100)))
        let report = search.report(.first)
        #expect(report.replicas.map(\.peer) == [1, 2, 4].map(Self.peer))
        #expect(report.replicas.allSatisfy(\.isGood) && report.weak.isEmpty)
    }

    @Test mutating func `what a slow replica says after all still counts`() throws {
        let offer = try SyncPair.offer(1, by: 1)
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) }, at: .zero)
        search.expire(at: Self.after(2_000))
        #expect(search.slow == (1...3).map(Self.peer))
        search.expire(at: Self.after(3_000))
        #expect(!search.isOver(at: Self.after(3_000)), "nobody has said anything yet")
        #expect(search.nextDeadline == Self.after(12_000))
        let late = Self.after(3_500)
        #expect(search.found(SyncFinding(ids: [offer.id]), by: Self.peer(2), at: late) == nil)
        #expect(search.isOver(at: late), "a late word is there, and the others are not waited for")
        let report = search.report(.first)
        #expect(report.replicas.map(\.recordCount) == [1] && report.replicas.allSatisfy(\.isGood))
        #expect(report.weak.map(\.name) == ["amd-consumer/0"])
    }

    @Test mutating func `each page has its own patience, and who stops between two is doubled`() throws {
        let place = OfferPlace(micros: 7, id: try SyncPair.offer(1, by: 1).id)
        _ = search.choose(from: [candidate(1, network: 1)], at: .zero)
        let more = SegmentSearch.Question.find(after: place, lanes: [lane])
        #expect(search.found(SyncFinding(next: place), by: Self.peer(1), at: Self.after(1_900)) == more)
        search.expire(at: Self.after(3_899))
        #expect(search.slow.isEmpty && search.nextDeadline == Self.after(3_900))
        search.expire(at: Self.after(3_900))
        #expect(search.slow == [Self.peer(1)] && search.isOver(at: Self.after(3_900)))
        #expect(search.report(.first).replicas.map(\.isGood) == [false])
    }

    @Test mutating func `who does not say why it left something out is doubled too`() throws {
        let offers = try Self.offers(0..<1)
        give(offers + (try Self.presences(0..<1)))
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) }, at: .zero)
        for number in 1...2 { _ = search.found(SyncFinding(ids: [offers[0].id]), by: Self.peer(number), at: .zero) }
        _ = search.found(SyncFinding(), by: Self.peer(3), at: Self.after(500))
        let questions = search.confront(book, unixMilliseconds: Self.settled, at: Self.after(500))
        #expect(questions.map(\.0) == [Self.peer(3)] && search.nextDeadline == Self.after(2_500))
        search.expire(at: Self.after(2_500))
        #expect(search.lacking == [lane] && search.slow == [Self.peer(3)])
        #expect(search.confront(book, unixMilliseconds: Self.settled, at: Self.after(2_500)).isEmpty)
        #expect(search.report(.first).replicas.map(\.isGood) == [true, true, false])
    }

    @Test
    func `who failed a search is asked last, for as long as the worst of it asks, and not too many are remembered`() {
        var desk = SearchDesk()
        desk.demote(Self.peer(1), for: SearchDesk.omitterRest, at: .zero)
        desk.demote(Self.peer(1), for: SearchDesk.slowRest, at: .zero)
        desk.demote(Self.peer(2), for: SearchDesk.slowRest, at: .zero)
        let soon = Instant.zero.advanced(by: SearchDesk.slowRest)
        #expect(desk.isDemoted(Self.peer(1), at: soon) && !desk.isDemoted(Self.peer(2), at: soon))
        #expect(!desk.isDemoted(Self.peer(1), at: Instant.zero.advanced(by: SearchDesk.omitterRest)))
        for number in 3...(SearchDesk.demotedCountMax + 3) {
            desk.demote(Self.peer(number), for: SearchDesk.slowRest, at: .zero)
        }
        desk.checkInvariants()
        #expect(!desk.isDemoted(Self.peer(1), at: .zero) && desk.isDemoted(Self.peer(4), at: .zero))
    }

    @Test mutating func `who leaves out what another has, and cannot say why, is named and replaced`() throws {
        let offers = try Self.offers(0..<3)
        give(offers + (try Self.presences(0..<3)))
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) }, at: .zero)
        let all = Set(offers.map(\.id))
        for number in 1...2 { _ = search.found(SyncFinding(ids: all), by: Self.peer(number), at: .zero) }
        #expect(search.confront(book, unixMilliseconds: Self.settled, at: .zero).isEmpty, "one has not answered yet")
        _ = search.found(SyncFinding(ids: all.subtracting([offers[1].id])), by: Self.peer(3), at: .zero)
        let questions = search.confront(book, unixMilliseconds: Self.settled, at: .zero)
        #expect(questions.map(\.0) == [Self.peer(3)])
        #expect(questions.map(\.1) == [.hear(offers[1].author)])
        #expect(!search.isOver(at: .zero), "it is heard first")
        search.heard(Self.peer(3), at: .zero)
        #expect(search.confront(book, unixMilliseconds: Self.settled, at: .zero).isEmpty)
        #expect(search.report(.first).replicas.map(\.omittedCount) == [0, 0, 1])
        #expect(search.lacking == [lane])
        #expect(search.choose(from: [candidate(4, network: 4)], at: .zero).count == 1)
    }

    @Test mutating func `who knows of the offer's end has left nothing out`() throws {
        let offers = try Self.offers(0..<1)
        give(offers + (try Self.presences(0..<1)))
        _ = search.choose(from: (1...2).map { candidate($0, network: UInt8($0)) }, at: .zero)
        _ = search.found(SyncFinding(ids: [offers[0].id]), by: Self.peer(1), at: .zero)
        _ = search.found(SyncFinding(), by: Self.peer(2), at: .zero)
        #expect(search.confront(book, unixMilliseconds: Self.settled, at: .zero).count == 1)
        // What it says over the provider is a newer price, which nobody else has yet.
        give([try SyncPair.offer(0, by: 0, sequence: 5, minutes: 24 * 60)])
        search.heard(Self.peer(2), at: .zero)
        _ = search.confront(book, unixMilliseconds: Self.settled, at: .zero)
        #expect(search.report(.first).replicas.map(\.omittedCount) == [0, 0])
    }

    @Test mutating func `what is fresh, dearer than the answer reached, or shown by nobody accuses nobody`() throws {
        let offers = try Self.offers(0..<3)
        give(offers + (try Self.presences(0..<3)))
        _ = search.choose(from: (1...2).map { candidate($0, network: UInt8($0)) }, at: .zero)
        // The third is in the book alone.
        _ = search.found(SyncFinding(ids: [offers[0].id, offers[1].id]), by: Self.peer(1), at: .zero)
        let cut = OfferPlace(micros: 100_000, id: offers[0].id)
        #expect(
            search.found(SyncFinding(ids: [offers[0].id], next: cut), by: Self.peer(2), at: .zero)
                == .find(after: cut, lanes: [lane])
        )
        #expect(search.found(nil, by: Self.peer(2), at: .zero) == nil)
        #expect(search.confront(book, unixMilliseconds: Self.settled, at: .zero).isEmpty)
        var fresh = SegmentSearch(lanes: [lane], models: [], unixMilliseconds: SyncPair.epoch + 200_000, at: .zero)
        _ = fresh.choose(from: (1...2).map { candidate($0, network: UInt8($0)) }, at: .zero)
        _ = fresh.found(SyncFinding(ids: [offers[0].id]), by: Self.peer(1), at: .zero)
        _ = fresh.found(SyncFinding(), by: Self.peer(2), at: .zero)
        #expect(fresh.confront(book, unixMilliseconds: SyncPair.epoch + 200_000, at: .zero).isEmpty)
    }

    @Test mutating func `pages end: at eight, and where an answer turns in a circle`() throws {
        _ = search.choose(from: [candidate(1, network: 1), candidate(2, network: 2)], at: .zero)
        var pageCount = 1
        for micros in 1...20 {
            let place = OfferPlace(micros: Int64(micros), id: try SyncPair.offer(1, by: 1).id)
            guard search.found(SyncFinding(next: place), by: Self.peer(1), at: .zero) != nil else { break }
            pageCount += 1
        }
        #expect(pageCount == SegmentSearch.pageCountMax)
        let place = OfferPlace(micros: 7, id: try SyncPair.offer(1, by: 1).id)
        #expect(search.found(SyncFinding(next: place), by: Self.peer(2), at: .zero) != nil)
        #expect(search.found(SyncFinding(next: place), by: Self.peer(2), at: .zero) == nil)
        search.checkInvariants()
    }

    @Test mutating func `a replica that no longer follows the segment counts for none`() {
        _ = search.choose(from: [candidate(1, network: 1)], at: .zero)
        _ = search.found(SyncFinding(unknown: [UInt8(lane)]), by: Self.peer(1), at: .zero)
        #expect(search.report(.first).replicas.isEmpty)
    }
}
