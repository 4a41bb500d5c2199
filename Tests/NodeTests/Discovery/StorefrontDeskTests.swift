import Cryptography
import Identity
import Kademlia
import Market
import Primitives
import TestSupport
import Testing

@testable import Node

/// What is made of the answers under a storefront's four keys.
@Suite struct `The desk of storefronts` {
    private static let now = TestNetwork.epochMilliseconds
    private static let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 5, count: 32))
    private static let author = PeerID(publicKey: key.publicKey)

    private var desk = StorefrontDesk()
    private var nextCommand: UInt64 = 1

    private static func value(_ sequence: UInt64, of key: Ed25519.PrivateKey = key) throws -> KademliaResult {
        .value(try `Nodes that find each other`.storefront(of: key, sequence: sequence))
    }

    /// The sequence that is found, or why nothing is; every answer but the last leaves the question open.
    private mutating func ask(
        _ results: [KademliaResult],
        of author: PeerID = author,
        at unixMilliseconds: Int64 = now
    ) -> Result<UInt64, KademliaFailure>? {
        let command = CommandID(rawValue: nextCommand)
        nextCommand += 1
        desk.ask(for: author, command)
        for result in results.dropLast() {
            desk.checkInvariants()
            let isOpen = desk.heard(result, for: command, at: unixMilliseconds) == nil
            #expect(isOpen)
        }
        let last = results.last.flatMap { desk.heard($0, for: command, at: unixMilliseconds) }
        desk.checkInvariants()
        #expect(last?.target == author)
        return last?.answer.map(\.record.sequence)
    }

    @Test mutating func `takes the highest sequence, whichever key has it and whenever it comes`() throws {
        let none = KademliaResult.failed(.notFound)
        for place in 0..<StorefrontValues.replicaCount {
            var results = [try Self.value(7), none, try Self.value(6), none]
            results[place] = try Self.value(8)
            var fresh = self
            #expect(fresh.ask(results) == .success(8))
        }
    }

    @Test mutating func `an older one than was found before is no news, until that has expired`() throws {
        #expect(ask(try [8, 8, 8, 8].map { try Self.value($0) }) == .success(8))
        let old = try [7, 7, 7, 7].map { try Self.value($0) }
        #expect(ask(old) == .success(8))
        #expect(ask([KademliaResult](repeating: .failed(.notFound), count: 4)) == .success(8))
        #expect(ask(old, at: Self.now + 3_600_000) == .success(7))
        #expect(ask(try [7, 9, 7, 7].map { try Self.value($0) }) == .success(9))
    }

    @Test mutating func `says why it found nothing: that nobody knows of it only if nothing else was wrong`() {
        let none = KademliaResult.failed(.notFound)
        #expect(ask([none, none, none, none]) == .failure(.notFound))
        #expect(ask([none, .failed(.busy), none, none]) == .failure(.busy))
        #expect(ask([KademliaResult](repeating: .failed(.noPeers), count: 4)) == .failure(.noPeers))
        #expect(ask([none, .value([1, 2, 3]), none, none]) == .failure(.notFound))
    }

    @Test mutating func `remembers so many providers and no more`() throws {
        let keys = (0...StorefrontDesk.newestCountMax).map { number in
            Ed25519.PrivateKey(seed: SHA256.hash(Array("storefront \(number)".utf8)))
        }
        for key in keys {
            let results = [KademliaResult](repeating: try Self.value(8, of: key), count: 4)
            #expect(ask(results, of: PeerID(publicKey: key.publicKey)) == .success(8))
        }
        let none = [KademliaResult](repeating: .failed(.notFound), count: 4)
        #expect(ask(none, of: PeerID(publicKey: keys[0].publicKey)) == .failure(.notFound), "the first is forgotten")
        #expect(ask(none, of: PeerID(publicKey: keys[1].publicKey)) == .success(8))
    }
}
