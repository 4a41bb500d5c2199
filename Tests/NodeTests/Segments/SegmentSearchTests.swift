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
        let asked = search.choose(from: candidates)
        #expect(asked.map(\.0) == [1, 3, 4].map(Self.peer))
        #expect(asked.allSatisfy { $0.1 == .find(after: nil, lanes: [lane]) })
        #expect(search.lacking.isEmpty)
    }

    @Test mutating func `waits three seconds for more replicas, then takes what it has`() {
        _ = search.choose(from: [candidate(1, network: 1)])
        _ = search.found(SyncFinding(), by: Self.peer(1))
        #expect(search.nextDeadline == Instant.zero.advanced(by: .seconds(3)))
        #expect(!search.isOver(at: .zero))
        let later = Instant.zero.advanced(by: .seconds(3))
        search.expire(at: later)
        #expect(search.isOver(at: later))
        #expect(search.report(.first).weak.map(\.name) == ["amd-consumer/0"])
    }

    @Test mutating func `replaces a replica that does not answer`() {
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) })
        #expect(search.found(nil, by: Self.peer(2)) == nil)
        #expect(search.lacking == [lane])
        #expect(search.choose(from: [candidate(4, network: 2)]).isEmpty, "its neighbour is no other network")
        #expect(search.choose(from: [candidate(5, network: 5)]).map(\.0) == [Self.peer(5)])
    }

    @Test mutating func `who leaves out what another has, and cannot say why, is named and replaced`() throws {
        let offers = try Self.offers(0..<3)
        give(offers + (try Self.presences(0..<3)))
        _ = search.choose(from: (1...3).map { candidate($0, network: UInt8($0)) })
        let all = Set(offers.map(\.id))
        for number in 1...2 { _ = search.found(SyncFinding(ids: all), by: Self.peer(number)) }
        #expect(search.confront(book, at: Self.settled).isEmpty, "one has not answered yet")
        _ = search.found(SyncFinding(ids: all.subtracting([offers[1].id])), by: Self.peer(3))
        let questions = search.confront(book, at: Self.settled)
        #expect(questions.map(\.0) == [Self.peer(3)])
        #expect(questions.map(\.1) == [.hear(offers[1].author)])
        #expect(!search.isOver(at: .zero), "it is heard first")
        search.heard(Self.peer(3))
        #expect(search.confront(book, at: Self.settled).isEmpty)
        #expect(search.report(.first).replicas.map(\.omittedCount) == [0, 0, 1])
        #expect(search.lacking == [lane])
        #expect(search.choose(from: [candidate(4, network: 4)]).count == 1)
    }

    @Test mutating func `who knows of the offer's end has left nothing out`() throws {
        let offers = try Self.offers(0..<1)
        give(offers + (try Self.presences(0..<1)))
        _ = search.choose(from: (1...2).map { candidate($0, network: UInt8($0)) })
        _ = search.found(SyncFinding(ids: [offers[0].id]), by: Self.peer(1))
        _ = search.found(SyncFinding(), by: Self.peer(2))
        #expect(search.confront(book, at: Self.settled).count == 1)
        // What it says over the provider is a newer price, which nobody else has yet.
        give([try SyncPair.offer(0, by: 0, sequence: 5, minutes: 24 * 60)])
        search.heard(Self.peer(2))
        _ = search.confront(book, at: Self.settled)
        #expect(search.report(.first).replicas.map(\.omittedCount) == [0, 0])
    }

    @Test mutating func `what is fresh, dearer than the answer reached, or shown by nobody accuses nobody`() throws {
        let offers = try Self.offers(0..<3)
        give(offers + (try Self.presences(0..<3)))
        _ = search.choose(from: (1...2).map { candidate($0, network: UInt8($0)) })
        // The third is in the book alone.
        _ = search.found(SyncFinding(ids: [offers[0].id, offers[1].id]), by: Self.peer(1))
        let cut = OfferPlace(micros: 100_000, id: offers[0].id)
        #expect(
            search.found(SyncFinding(ids: [offers[0].id], next: cut), by: Self.peer(2))
                == .find(after: cut, lanes: [lane])
        )
        #expect(search.found(nil, by: Self.peer(2)) == nil)
        #expect(search.confront(book, at: Self.settled).isEmpty)
        var fresh = SegmentSearch(lanes: [lane], models: [], unixMilliseconds: SyncPair.epoch + 200_000, at: .zero)
        _ = fresh.choose(from: (1...2).map { candidate($0, network: UInt8($0)) })
        _ = fresh.found(SyncFinding(ids: [offers[0].id]), by: Self.peer(1))
        _ = fresh.found(SyncFinding(), by: Self.peer(2))
        #expect(fresh.confront(book, at: SyncPair.epoch + 200_000).isEmpty)
    }

    @Test mutating func `pages end: at eight, and where an answer turns in a circle`() throws {
        _ = search.choose(from: [candidate(1, network: 1), candidate(2, network: 2)])
        var pageCount = 1
        for micros in 1...20 {
            let place = OfferPlace(micros: Int64(micros), id: try SyncPair.offer(1, by: 1).id)
            guard search.found(SyncFinding(next: place), by: Self.peer(1)) != nil else { break }
            pageCount += 1
        }
        #expect(pageCount == SegmentSearch.pageCountMax)
        let place = OfferPlace(micros: 7, id: try SyncPair.offer(1, by: 1).id)
        #expect(search.found(SyncFinding(next: place), by: Self.peer(2)) != nil)
        #expect(search.found(SyncFinding(next: place), by: Self.peer(2)) == nil)
        search.checkInvariants()
    }

    @Test mutating func `a replica that no longer follows the segment counts for none`() {
        _ = search.choose(from: [candidate(1, network: 1)])
        _ = search.found(SyncFinding(unknown: [UInt8(lane)]), by: Self.peer(1))
        #expect(search.report(.first).replicas.isEmpty)
    }
}
