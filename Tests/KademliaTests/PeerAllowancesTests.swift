import Cryptography
import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `Allowances of peers` {
    private var allowances = PeerAllowances(burst: 2, interval: .seconds(1))

    private static let peers = (0...KademliaLimits.allowanceCountMax + 1).map { number in
        let seed = [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 6, count: 30)
        return PeerID(publicKey: Ed25519.PrivateKey(seed: seed).publicKey)
    }

    private mutating func take(_ peer: Int, _ count: Int = 1, at seconds: Int = 0) -> Bool {
        defer { allowances.checkInvariants() }
        return allowances.take(Self.peers[peer], count, at: .zero.advanced(by: .seconds(seconds)))
    }

    @Test mutating func `are bounded: the first of all who are busy starts anew, nobody else gains`() {
        let countMax = KademliaLimits.allowanceCountMax
        let taken = (0..<countMax).map { take($0, 2) }
        #expect(!taken.contains(false))
        // The next one drives the first out; that one, forgotten, the second.
        let answers = [take(0), take(1), take(countMax), take(2), take(0), take(1), take(2), take(3)]
        #expect(answers == [false, false, true, false, true, true, true, true])
    }

    @Test mutating func `that are full again make room first`() {
        let countMax = KademliaLimits.allowanceCountMax
        let first = take(0, 1, at: 2)
        let others = (1..<countMax).map { take($0) }
        #expect(first && !others.contains(false))
        // The first one alone is not full at the end, and is not forgotten for the newcomer.
        let answers = [take(0, 1, at: 2), take(countMax, 1, at: 2), take(0, 1, at: 2)]
        #expect(answers == [true, true, false])
    }
}
