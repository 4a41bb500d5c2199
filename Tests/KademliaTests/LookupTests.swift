import Kademlia
import Primitives
import Testing

@Suite struct `A lookup` {
    /// Contact `n` lies at distance `n` from the target.
    let keys = (0..<200).map { KademliaKey(prefix: UInt64($0)) }
    let target = KademliaKey(prefix: 0)

    func lookup(_ limits: LookupLimits, seeds: [Int]) -> Lookup {
        Lookup(target: target, limits: limits, own: contact(0), seeds: seeds.map(contact), keys: keys)
    }

    @Test func `the nearest candidates are asked first, alpha at a time`() {
        var lookup = lookup(LookupLimits(k: 4, alpha: 2), seeds: [30, 10, 20])
        expect(lookup.next(), .ask(contact(10)))
        expect(lookup.next(), .ask(contact(20)))
        expect(lookup.next(), .wait)
        expect(lookup.answered(contact(20), closer: [contact(5), contact(0)], keys: keys), true)
        expect(lookup.next(), .ask(contact(5)))
        expect(lookup.next(), .wait)
        lookup.checkInvariants()
    }

    @Test func `it ends when the k nearest have answered and leaves farther ones alone`() {
        var lookup = lookup(LookupLimits(k: 2, alpha: 3), seeds: [10, 20, 30])
        expect(lookup.next(), .ask(contact(10)))
        expect(lookup.next(), .ask(contact(20)))
        expect(lookup.next(), .wait)
        lookup.answered(contact(10), closer: [contact(1)], keys: keys)
        expect(lookup.next(), .ask(contact(1)))
        lookup.answered(contact(1), closer: [contact(10)], keys: keys)
        expect(lookup.next(), .finished)
        #expect(lookup.nearestAnswered(5).map(\.contact) == [contact(1), contact(10)])
        #expect(lookup.nearest?.hops == 2)
        #expect(lookup.requestCount == 3)
    }

    @Test func `with a small beta the nearest few decide`() {
        var lookup = lookup(LookupLimits(k: 4, alpha: 4, beta: 1), seeds: [10, 20, 30, 40])
        while case .ask = lookup.next() {}
        lookup.answered(contact(20), closer: [], keys: keys)
        expect(lookup.next(), .wait)
        lookup.answered(contact(10), closer: [], keys: keys)
        expect(lookup.next(), .finished)
    }

    @Test func `failed candidates give their place to the next ones`() {
        var lookup = lookup(LookupLimits(k: 2, alpha: 2), seeds: [10, 20, 30, 40])
        expect(lookup.next(), .ask(contact(10)))
        expect(lookup.next(), .ask(contact(20)))
        expect(lookup.failed(contact(10)), true)
        expect(lookup.next(), .ask(contact(30)))
        lookup.answered(contact(20), closer: [contact(10)], keys: keys)
        expect(lookup.next(), .wait)
        lookup.answered(contact(30), closer: [], keys: keys)
        expect(lookup.next(), .finished)
        #expect(lookup.nearestAnswered(2).map(\.contact) == [contact(20), contact(30)])
    }

    @Test func `of whom more is told after it failed, it is asked once more, on whatever path`() {
        for paths in 1...2 {
            var lookup = lookup(LookupLimits(k: 3, alpha: 2, paths: paths), seeds: [10, 20])
            expect(lookup.next(), .ask(contact(10)))
            expect(lookup.next(), .ask(contact(20)))
            #expect(lookup.isAsking(contact(10)) && !lookup.isAsking(contact(30)))
            lookup.failed(contact(10))
            #expect(!lookup.isAsking(contact(10)) && lookup.failureCount == 1)
            lookup.renew(contact(10))
            lookup.renew(contact(20))
            #expect(lookup.failureCount == 0)
            expect(lookup.next(), .ask(contact(10)))
            expect(lookup.next(), .wait)
            lookup.checkInvariants()
            lookup.answered(contact(10), closer: [], keys: keys)
            lookup.answered(contact(20), closer: [], keys: keys)
            expect(lookup.next(), .finished)
            #expect(lookup.requestCount == 3)
        }
    }

    @Test func `a late answer counts, an answer that nobody waits for does not`() {
        var lookup = lookup(LookupLimits(k: 2, alpha: 1), seeds: [10, 20])
        expect(lookup.next(), .ask(contact(10)))
        expect(lookup.failed(contact(10)), true)
        expect(lookup.failed(contact(10)), false)
        expect(lookup.next(), .ask(contact(20)))
        expect(lookup.answered(contact(10), closer: [contact(1)], keys: keys), true)
        expect(lookup.answered(contact(10), closer: [contact(2)], keys: keys), false)
        expect(lookup.answered(contact(99), closer: [contact(3)], keys: keys), false)
        lookup.answered(contact(20), closer: [], keys: keys)
        expect(lookup.next(), .ask(contact(1)))
        lookup.answered(contact(1), closer: [], keys: keys)
        expect(lookup.next(), .finished)
        expect(lookup.answered(contact(1), closer: [contact(4)], keys: keys), false)
        expect(lookup.next(), .finished)
    }

    @Test func `nobody to ask is the end`() {
        var lookup = lookup(LookupLimits(k: 2, alpha: 1), seeds: [])
        expect(lookup.next(), .finished)
        #expect(lookup.nearest == nil)
    }

    @Test func `who invents ever nearer peers comes to an end`() {
        var limits = LookupLimits(k: 2, alpha: 2)
        limits.requestCountMax = 10
        var lookup = lookup(limits, seeds: [199])
        var nearest = 199
        while case .ask(let asked) = lookup.next() {
            nearest -= 2
            lookup.answered(asked, closer: [contact(nearest), contact(nearest + 1)], keys: keys)
            lookup.checkInvariants()
        }
        #expect(lookup.isFinished)
        #expect(lookup.requestCount == 10)
    }

    @Test func `a path forgets the farthest candidates when it is full`() {
        var limits = LookupLimits(k: 2, alpha: 1)
        limits.candidateCountMax = 4
        var lookup = lookup(limits, seeds: [150])
        expect(lookup.next(), .ask(contact(150)))
        lookup.answered(contact(150), closer: (10..<100).reversed().map(contact), keys: keys)
        lookup.checkInvariants()
        expect(lookup.next(), .ask(contact(10)))
        lookup.failed(contact(10))
        expect(lookup.next(), .ask(contact(11)))
    }

    @Test func `disjoint paths ask nobody twice and follow only their own answers`() {
        // Path 1 starts at 10, path 2 at 20; both hear of 5, whose answer leads path 1 alone to 1.
        var lookup = lookup(LookupLimits(k: 4, alpha: 2, paths: 2), seeds: [10, 20])
        expect(lookup.next(), .ask(contact(10)))
        expect(lookup.next(), .ask(contact(20)))
        lookup.answered(contact(10), closer: [contact(5)], keys: keys)
        expect(lookup.next(), .ask(contact(5)))
        lookup.answered(contact(20), closer: [contact(5)], keys: keys)
        expect(lookup.next(), .wait)
        lookup.answered(contact(5), closer: [contact(1)], keys: keys)
        expect(lookup.next(), .ask(contact(1)))
        expect(lookup.next(), .wait)
        lookup.answered(contact(1), closer: [], keys: keys)
        expect(lookup.next(), .finished)
        #expect(lookup.requestCount == 4)
        #expect(lookup.nearestAnswered(9).map(\.contact) == [1, 5, 10, 20].map(contact))
        lookup.checkInvariants()
    }

    @Test(arguments: UInt8(1)...12)
    func `whatever comes back, a lookup ends and asks nobody twice`(number: UInt8) {
        var random = SeededRandom(seed: seed(number))
        let limits = LookupLimits(k: 1 + random.below(8), alpha: 1 + random.below(5), paths: 1 + random.below(4))
        var lookup = lookup(limits, seeds: (0..<limits.k).map { _ in 100 + random.below(100) })
        var (waiting, asked, stepCount) = ([ContactID](), Set<ContactID>(), 0)
        loop: while true {
            stepCount += 1
            #expect(stepCount < 10_000)
            switch lookup.next() {
            case .ask(let peer):
                expect(asked.insert(peer).inserted, true)
                waiting.append(peer)
            case .finished: break loop
            case .wait:
                #expect(!waiting.isEmpty)
                guard !waiting.isEmpty else { break loop }
                let peer = waiting.remove(at: random.below(waiting.count))
                let closer = (0..<random.below(8)).map { _ in contact(random.below(200)) }
                if random.chance(1, in: 3) {
                    lookup.failed(peer)
                    if random.chance(1, in: 2) { lookup.answered(peer, closer: closer, keys: keys) }
                } else {
                    lookup.answered(peer, closer: closer, keys: keys)
                }
            }
            lookup.checkInvariants()
        }
        #expect(!asked.contains(contact(0)))
    }
}
