import Cryptography
import Identity
import Kademlia
import LocalAPI
import Market
@testable import Node
import Primitives
import Swarm
import Synchronization

/// A node that answers from a table and tells what it is told to tell.
final class FakeNode: NodeControl {
    let hub = EventHub()
    private let listings = Mutex<[Listing]>([])
    private let asked = Mutex<[String]>([])

    /// The names of the commands so far.
    var commands: [String] { asked.withLock { $0 } }

    func show(_ rows: [Listing]) {
        listings.withLock { $0 = rows }
        hub.tell(.listingsChanged([]))
    }

    func events() -> AsyncStream<NodeEvent> { hub.events() }

    func send(_ command: NodeCommand) async throws -> NodeAnswer {
        asked.withLock { $0.append("\(command)".prefix { $0 != "(" }.description) }
        switch command {
        case .peers: return .peers([])
        case .look: return .looked(SearchReport(segments: [], replicas: []))
        case .follow: return .done
        case .snapshot:
            return .snapshot(
                MarketSnapshot(
                    listings: listings.withLock { $0 },
                    unixMilliseconds: Samples.now,
                    generation: 1,
                    roundTrips: [:]
                )
            )
        case .ownOffers: return .offers(listings.withLock { $0.map(\.record) })
        case .findRecords(let prefix):
            return .records(listings.withLock { $0.map(\.record).filter { $0.id.bytes.starts(with: prefix) } })
        case .exportRecords: return .exported(listings.withLock { $0.map(\.record) }, next: nil)
        case .importRecords(let envelopes): return .imported(envelopes.map { _ in .reject(.badSignature) })
        case .publishOffer, .updateOffer: return .failed(.refused(.tooManyOffers(limit: 64)))
        case .withdrawOffer, .resumeKey, .shutdown, .disconnect, .ban, .unban, .tune: return .done
        case .bans: return .bans([], configured: [])
        case .connect: return .failed(.connect(.selfDial))
        case .proofs: return .records([])
        case .attest: return .failed(.unknownOffer)
        case .publishRequest, .withdrawRequest, .acceptRequest: return .failed(.unknownRequest)
        case .requests: return .requests([])
        case .bids: return .bids([])
        case .leases: return .leases([])
        case .credit: return .credit([])
        case .leasePolicy: return .leasePolicy(LeasePolicy())
        case .setLeasePolicy: return .done
        case .placeBid: return .failed(.unknownOffer)
        case .cancelBid: return .failed(.unknownBid)
        case .closeLease, .readyLease, .settleLease: return .failed(.unknownLease)
        case .dht(let command): return .dht(Samples.result(of: command))
        case .findStorefront: return .dht(.failed(.notFound))
        case .status, .metrics: return .failed(.shuttingDown)
        }
    }
}

enum Samples {
    static let now: Int64 = 1_800_000_000_000

    /// A row of an offer whose id and price follow from a number.
    static func listing(_ number: UInt8, micros: Int64 = 350_000) throws -> Listing {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let id = [UInt8](repeating: number, count: 16)
        guard let offerID = OfferID(id), let machine = MachineID(id) else { throw CancellationError() }
        let offer = OfferBody(
            offer: offerID,
            marketClass: .nvidiaConsumer,
            machine: machine,
            slots: [0],
            freeSlots: [0],
            largestBlock: 1,
            price: PriceTerms(unit: "USD", gpuHourMicros: micros),
            modes: [.onDemand],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 86_400,
            settlements: ["credit"],
            sealingKey: [UInt8](repeating: 1, count: 32)
        )
        let record = Record(
            network: "main",
            sequence: UInt64(micros),
            issuedAt: now - 1_000,
            expiresAt: now + 3_600_000,
            body: .offer(offer)
        )
        return Listing(
            record: try SignedRecord(signing: record, by: key),
            offer: offer,
            heardAt: now - 2_000,
            vouchedUntil: now + 60_000
        )
    }
}
