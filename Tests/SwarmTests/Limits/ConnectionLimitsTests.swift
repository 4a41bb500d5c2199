import Primitives
import Testing

@testable import Swarm

@Suite struct `Connection limits` {
    private static let home = IPAddress(127, 0, 0, 1)

    private static func ipv6(_ site: UInt8, _ network: UInt8, host: UInt8) -> IPAddress {
        guard let address = IPAddress([0x20, 1, 0, 0, 0, site, network, 0, 0, 0, 0, 0, 0, 0, 0, host]) else {
            preconditionFailure("sixteen bytes")
        }
        return address
    }

    private var nextID: UInt64 = 1

    private mutating func id() -> ConnectionID {
        defer { nextID += 2 }
        return ConnectionID(rawValue: nextID)
    }

    private static func strict(_ change: (inout ConnectionLimitsConfig) -> Void = { _ in }) -> ConnectionLimits {
        var config = ConnectionLimitsConfig()
        config.exemptsLocalAddresses = false
        change(&config)
        return ConnectionLimits(config: config)
    }

    @Test mutating func `one host holds eight connections, also on loopback if nobody is exempt`() {
        var limits = Self.strict()
        var admitted: [ConnectionID] = []
        for _ in 0..<100 {
            let id = id()
            if limits.admit(id, from: Self.home, at: .zero) == nil {
                limits.upgraded(id)
                admitted.append(id)
            }
            limits.checkInvariants()
        }
        #expect(admitted.count == 8)
        #expect(limits.admit(id(), from: Self.home, at: .zero) == .tooManyFromHost)
        limits.closed(admitted[0])
        #expect(limits.admit(id(), from: Self.home, at: .zero) == nil)
    }

    @Test mutating func `local addresses escape the limits by host but not the cap on half-open connections`() {
        var limits = ConnectionLimits(config: ConnectionLimitsConfig())
        for _ in 0..<64 { #expect(limits.admit(id(), from: Self.home, at: .zero) == nil) }
        #expect(limits.admit(id(), from: Self.home, at: .zero) == .tooManyHalfOpen)
        #expect(limits.halfOpenCount == 64)
        limits.checkInvariants()
    }

    @Test mutating func `a mapped IPv4 address counts as the host that it is`() throws {
        var limits = Self.strict()
        let mapped = try #require(IPAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1]))
        for index in 0..<8 {
            let id = id()
            #expect(limits.admit(id, from: index % 2 == 0 ? mapped : Self.home, at: .zero) == nil)
            limits.upgraded(id)
        }
        #expect(limits.admit(id(), from: mapped, at: .zero) == .tooManyFromHost)
    }

    @Test mutating func `half-open connections of one host are capped apart`() {
        var limits = Self.strict { ($0.halfOpenPerHostMax, $0.perHostMax) = (3, 8) }
        for _ in 0..<3 { #expect(limits.admit(id(), from: Self.home, at: .zero) == nil) }
        #expect(limits.admit(id(), from: Self.home, at: .zero) == .tooManyHalfOpenFromHost)
    }

    @Test mutating func `a site of IPv6 holds sixty-four`() {
        var limits = Self.strict()
        for network in UInt8(0)..<8 {
            for host in UInt8(0)..<8 {
                let id = id()
                #expect(limits.admit(id, from: Self.ipv6(1, network, host: host), at: .zero) == nil)
                limits.upgraded(id)
            }
        }
        #expect(limits.admit(id(), from: Self.ipv6(1, 0, host: 99), at: .zero) == .tooManyFromHost)
        #expect(limits.admit(id(), from: Self.ipv6(1, 99, host: 0), at: .zero) == .tooManyFromSite)
        #expect(limits.admit(id(), from: Self.ipv6(2, 0, host: 0), at: .zero) == nil)
    }

    @Test mutating func `who comes and goes is slowed down after a burst of sixteen`() {
        var limits = Self.strict()
        for _ in 0..<16 {
            let id = id()
            #expect(limits.admit(id, from: Self.home, at: .zero) == nil)
            limits.closed(id)
        }
        #expect(limits.admit(id(), from: Self.home, at: .zero) == .tooFast)
        #expect(limits.admit(id(), from: Self.home, at: Instant.zero.advanced(by: .seconds(5))) == nil)
    }

    @Test mutating func `all inbound connections together are capped`() {
        var limits = Self.strict { $0.inboundMax = 4 }
        for host in UInt8(1)...4 {
            let id = id()
            #expect(limits.admit(id, from: IPAddress(192, 0, 2, host), at: .zero) == nil)
            limits.upgraded(id)
        }
        #expect(limits.admit(id(), from: IPAddress(192, 0, 2, 5), at: .zero) == .tooMany)
    }

    @Test(arguments: 1...4) func `counts return to zero whatever happens`(seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        var limits = Self.strict()
        var open: [ConnectionID] = []
        for step in 0..<600 {
            let now = Instant.zero.advanced(by: .seconds(step))
            if random.chance(2, in: 3) {
                let id = ConnectionID(rawValue: UInt64(2 * step + 1))
                let host = IPAddress(192, 0, 2, UInt8(random.below(12)))
                if limits.admit(id, from: host, at: now) == nil { open.append(id) }
            } else if !open.isEmpty {
                let index = random.below(open.count)
                if random.chance(1, in: 2) {
                    limits.upgraded(open[index])
                } else {
                    limits.closed(open.remove(at: index))
                }
            }
            limits.checkInvariants()
        }
        for id in open { limits.closed(id) }
        limits.checkInvariants()
        #expect(limits.inboundCount == 0 && limits.halfOpenCount == 0)
    }
}
