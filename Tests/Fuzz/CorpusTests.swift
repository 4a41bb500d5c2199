import Cryptography
import Foundation
@testable import Market
import Primitives
import Testing

/// Every target reads its corpus, and inputs near it: what libFuzzer once found stays mended without libFuzzer.
///
/// A trap ends the process, but the seed was told and the input is in a file (``CurrentInput``). `RIALTO_FUZZ_SEED` is another seed, and 1
/// if it is not set, so that a red run belongs to a change and not to chance.
@Suite struct `What fuzzing has found` {
    /// How many inputs are made of the corpus: targets that check signatures or run a whole node take longer over each.
    private static func mutationCount(_ target: FuzzTarget) -> Int {
        switch target {
        case .connection, .session, .streams: 16
        case .leases, .sync, .noiseResponder, .noiseInitiator, .sealedTerms, .reconciliation: 64
        default: 512
        }
    }

    private static let seed = ProcessInfo.processInfo.environment["RIALTO_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1

    private static let folder = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .appending(path: "Corpus")

    private static func corpus(of target: FuzzTarget) throws -> [[UInt8]] {
        let folder = folder.appending(path: target.rawValue)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        return try names.map { Array(try Data(contentsOf: folder.appending(path: $0))) }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `is read by its target`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target)
        #expect(!corpus.isEmpty, "\(target.rawValue) has no corpus")
        #expect(corpus.allSatisfy { $0.count <= 4_096 }, "the corpus is of small inputs")
        let current = try CurrentInput(of: "\(target.rawValue)-corpus", seed: Self.seed)
        for input in corpus + target.seeds { try current.keeping(input) { target.run(input) } }
        try current.forget()
    }

    @Test(arguments: FuzzTarget.allCases)
    func `is read by its target when some bytes are others`(target: FuzzTarget) throws {
        let inputs = try Self.corpus(of: target) + target.seeds
        let seed = SHA256.hash(Array("\(target.rawValue) \(Self.seed)".utf8))
        var mutations = Mutations(of: inputs, random: SeededRandom(seed: seed))
        let current = try CurrentInput(of: "\(target.rawValue)-mutations", seed: Self.seed)
        for _ in 0..<Self.mutationCount(target) {
            let input = mutations.next()
            try current.keeping(input) { target.run(input) }
        }
        try current.forget()
    }

    @Test func `an input stands in its file while it is read, and no longer than the last`() throws {
        let current = try CurrentInput(of: "nothing", seed: 7)
        #expect(
            current.words
                == "fuzzing nothing with RIALTO_FUZZ_SEED=7; should it trap, the input is in \(current.path)\n"
        )
        for input in [[1, 2, 3], [], [UInt8](repeating: 9, count: 4_096)] as [[UInt8]] {
            var kept: Data?
            try current.keeping(input) { kept = FileManager.default.contents(atPath: current.path) }
            #expect(kept.map(Array.init) == input)
        }
        try current.forget()
        #expect(!FileManager.default.fileExists(atPath: current.path))
    }
}

/// A target whose machine turns everything away finds nothing: the way in is walked once, step by step.
@Suite struct `The parties that fuzzing plays` {
    private static func played(_ seed: [UInt8]) -> Counterparty {
        var (party, script) = (Counterparty(), Script(seed))
        while !script.isAtEnd { party.move(&script) }
        return party
    }

    @Test func `rent, pay and close when they are honest`() throws {
        let party = Self.played(FuzzTarget.leases.seeds[0])
        let (renter, words) = (party.lease?.renter, party.words)
        #expect(renter == Counterparty.key.publicKey)
        #expect(words.contains { $0.kind == .receipt && $0.author == LeaseVictim.key.publicKey })
        #expect(words.contains { $0.kind == .countersignature })
    }

    @Test func `let, meter and close when they are honest`() throws {
        let party = Self.played(FuzzTarget.leases.seeds[1])
        let (lease, words) = (party.lease, party.words)
        #expect(lease?.provider == Counterparty.key.publicKey && lease?.renter == LeaseVictim.key.publicKey)
        #expect(words.contains { $0.kind == .countersignature && $0.author == LeaseVictim.key.publicKey })
    }
}
