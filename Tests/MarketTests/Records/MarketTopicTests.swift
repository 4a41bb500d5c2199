import Cryptography
import Market
import Testing

@Suite struct `Market profile` {
    let profile = MarketProfile.first

    @Test func `profile 1 has sixteen segments, every class among them`() {
        #expect(profile.segments.count == 16)
        #expect(profile.segments == profile.segments.sorted())
        #expect(Set(profile.segments.map(\.marketClass)) == Set(MarketClass.allCases))
    }

    @Test func `the catalogue's columns name the class, unknown pairs are other`() {
        #expect(MarketClass(vendor: .nvidia, gpuClass: .consumer) == .nvidiaConsumer)
        #expect(MarketClass(vendor: .amd, gpuClass: .datacenter) == .amdDatacenter)
        #expect(MarketClass(vendor: .intel, gpuClass: .datacenter) == .other)
        #expect(MarketClass(vendor: .nvidia, gpuClass: .other) == .other)
    }

    @Test func `providers spread over the sub-shards of a class`() {
        let shards = (0..<64).map { profile.segment(of: RecordSamples.key($0).publicKey, in: .nvidiaConsumer).shard }
        let counts = (0..<4).map { shard in shards.count { $0 == shard } }
        #expect(counts.allSatisfy { $0 >= 6 }, "\(counts)")
        #expect(profile.segment(of: RecordSamples.key(0).publicKey, in: .other).shard == 0)
    }

    /// SHA-256(thirty-two times 7 ‖ name), first bytes by sha256sum: see the shards that they give.
    @Test func `a provider's segment is the top bits of a hash of its key and the class name`() throws {
        let provider = try #require(Ed25519.PublicKey([UInt8](repeating: 7, count: 32)))
        #expect(profile.segment(of: provider, in: .nvidiaConsumer).shard == 3)
        #expect(profile.segment(of: provider, in: .nvidiaDatacenter).shard == 2)
        #expect(profile.segment(of: provider, in: .amdDatacenter).shard == 1)
    }

    @Test(arguments: [
        "/rialto/main/o/1/nvidia-consumer/3", "/rialto/test-2/o/1/other/0", "/rialto/main/r/1/amd-datacenter",
        "/rialto/main/p/1",
    ]) func `topics read as they are written`(text: String) throws {
        #expect(try #require(MarketTopic(text: text)).text == text)
    }

    @Test(arguments: [
        "", "/", "/rialto/main/o/1", "/rialto/main/o/1/nvidia-consumer", "/rialto/main/o/1/nvidia-consumer/4",
        "/rialto/main/o/1/nvidia-consumer/03", "/rialto/main/o/1/nvidia-consumer/+3",
        "/rialto/main/o/1/nvidia-consumer/-1",
        "/rialto/main/o/1/nvidia-consumer/3/", "/rialto/main/o/2/nvidia-consumer/3",
        "/rialto/main/o/01/nvidia-consumer/3",
        "/rialto/Main/p/1", "/rialto//p/1", "/rialto/main/q/1", "/rialto/main/p/1/", "/rialto/main/r/1/gpu",
        "rialto/main/p/1",
        "/other/main/p/1", "/rialto/main/o/1/other/99999999999999999999",
        "/rialto/main/p/1/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]) func `anything else is no topic of ours`(text: String) {
        #expect(MarketTopic(text: text) == nil)
    }

    @Test func `the profile's topics are distinct and parse`() {
        let topics = MarketProfile.first.topics(network: "main")
        #expect(topics.count == 16 + 8 + 1)
        #expect(Set(topics).count == topics.count)
        #expect(topics.allSatisfy { MarketTopic(text: $0)?.text == $0 })
    }
}
