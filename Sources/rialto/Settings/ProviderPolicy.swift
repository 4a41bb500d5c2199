internal import Cryptography
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Node
internal import Primitives

/// `policy.yaml`: what this node does and does not do as a provider, and which programs it calls.
struct ProviderPolicy: Hashable, Sendable {
    static let fileName = "policy.yaml"
    static let hookSecondsMax = 3_600
    private static let listCountMax = 1_024

    enum Key: String, CaseIterable {
        case floor, exposure, blocked, runtimes, award
        case hold, meter
        case coolingDown = "cooling_down"
        case bidOnRequests = "bid_on_requests"
        case awaitReady = "await_ready"
        case leaseStarted = "lease_started"
        case leaseEnded = "lease_ended"
        case settlement, settle
        case hookTimeout = "hook_timeout"
    }

    var lease = LeasePolicy()
    /// How bids on new offers of ours are compared, unless an offer says otherwise: 0 for first come, first served.
    var awardWindowSeconds = 0
    /// What the machines of our offers can run.
    var runtimes: [String] = []
    /// Programs with their arguments; empty for none.
    var leaseStarted: [String] = []
    var leaseEnded: [String] = []
    /// How the leases of new offers are settled, and the program that does it on either side.
    var settlement = SettlementRail.credit
    var settle: [String] = []
    /// A hook that takes longer is ended.
    var hookSeconds = 60

    init() {}

    /// Reads the file of a home; the defaults if there is none.
    static func read(path: String, isRequired: Bool) throws -> ProviderPolicy {
        guard isRequired || FileManager.default.fileExists(atPath: path) else { return ProviderPolicy() }
        return try ProviderPolicy(YAMLMapping.read(path: path), path: path)
    }

    /// The whole file is checked before any of it counts.
    init(_ mapping: YAMLMapping, path: String) throws {
        for (name, values) in mapping.entries {
            guard let key = Key(rawValue: name) else {
                throw YAMLMapping.unknown(name, path: path, known: Key.allCases.map(\.rawValue))
            }
            try set(key, values, PolicyPlace(path: path, key: name))
        }
        guard settlement != .exec || !settle.isEmpty else {
            throw PolicyPlace(path: path, key: Key.settlement.rawValue).problem(
                "is exec, and no program settles",
                hint: "name it: settle: [/usr/local/bin/settle]"
            )
        }
    }

    private mutating func set(_ key: Key, _ values: [String], _ place: PolicyPlace) throws {
        switch key {
        case .floor:
            for text in values {
                let (micros, unit) = try place.price(text)
                lease.counter.floorMicros[unit] = micros
            }
        case .exposure: lease.counter.exposureMicrosMax = try place.amount(values)
        case .blocked: lease.counter.blockedPeers = try place.peers(values, countMax: Self.listCountMax)
        case .runtimes:
            guard values.count <= MachineBody.Bounds.runtimeCountMax else {
                throw place.problem("takes at most 16 names")
            }
            runtimes = values
        case .award: awardWindowSeconds = try place.award(values)
        case .hold:
            lease.counter.hold = .seconds(try place.seconds(values, 1...Int(CounterPolicy.holdMax.components.seconds)))
        case .meter: lease.counter.meterSeconds = try place.seconds(values, 1...LeaseBody.Bounds.meterSecondsMax)
        case .coolingDown: lease.counter.coolingDown = .seconds(try place.seconds(values, 0...86_400))
        case .bidOnRequests: lease.bidsOnRequests = try place.flag(values)
        case .awaitReady: lease.awaitsReady = try place.flag(values)
        case .leaseStarted: leaseStarted = try place.program(values)
        case .leaseEnded: leaseEnded = try place.program(values)
        case .settlement: settlement = try place.rail(values)
        case .settle: settle = try place.program(values)
        case .hookTimeout: hookSeconds = try place.seconds(values, 1...Self.hookSecondsMax)
        }
    }
}

/// One key of a policy file, for errors that say where they are.
private struct PolicyPlace {
    let path: String
    let key: String

    func problem(_ message: String, hint: String? = nil) -> CommandFailure {
        CommandFailure(.usage, "\(path): '\(key)' \(message)", hint: hint)
    }

    private func one(_ values: [String]) throws -> String {
        guard values.count == 1, let value = values.first else { throw problem("takes one value") }
        return value
    }

    func price(_ text: String) throws -> (micros: Int64, unit: String) {
        let parts = text.split(separator: " ").map(String.init)
        guard parts.count == 2, let micros = Amounts.micros(parts[0]), isUnit(parts[1]) else {
            throw problem(
                "'\(text)' is no price",
                hint: "write '0.25 USD', for one GPU and one hour, one for each unit"
            )
        }
        return (micros, parts[1])
    }

    private func isUnit(_ text: String) -> Bool {
        (1...PriceTerms.Bounds.unitByteCountMax).contains(text.utf8.count)
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    func amount(_ values: [String]) throws -> Int64 {
        let text = try one(values)
        guard let micros = Amounts.micros(text) else { throw problem("'\(text)' is no amount", hint: "write 1.50") }
        return micros
    }

    func peers(_ values: [String], countMax: Int) throws -> Set<Ed25519.PublicKey> {
        guard values.count <= countMax else { throw problem("takes at most \(countMax) peers") }
        return Set(
            try values.map { text in
                guard let key = (try? PeerID(text: text))?.publicKey else {
                    throw problem("'\(text)' is no peer id", hint: "peer ids begin with 12D3Koo…")
                }
                return key
            }
        )
    }

    /// `first`, or `best` with a span of time.
    func award(_ values: [String]) throws -> Int {
        let words = values.flatMap { $0.split(separator: " ").map(String.init) }
        if words == ["first"] { return 0 }
        guard words.count == 2, words[0] == "best", let seconds = Amounts.seconds(words[1]),
            (1...OfferBody.Bounds.awardWindowSecondsMax).contains(seconds)
        else {
            throw problem(
                "is '\(values.joined(separator: " "))'",
                hint: "write 'first', or 'best 30s' to compare the bids of thirty seconds"
            )
        }
        return seconds
    }

    func seconds(_ values: [String], _ bounds: ClosedRange<Int>) throws -> Int {
        let text = try one(values)
        guard let seconds = Amounts.seconds(text), bounds.contains(seconds) else {
            throw problem(
                "'\(text)' is no time from \(bounds.lowerBound) s to \(bounds.upperBound) s",
                hint: "write 30s"
            )
        }
        return seconds
    }

    func rail(_ values: [String]) throws -> SettlementRail {
        let text = try one(values)
        guard let rail = SettlementRail(rawValue: text) else {
            let rails = SettlementRail.allCases.map(\.rawValue).joined(separator: ", ")
            throw problem("'\(text)' is no way to settle", hint: "write one of: \(rails)")
        }
        return rail
    }

    func flag(_ values: [String]) throws -> Bool {
        switch try one(values) {
        case "true": return true
        case "false": return false
        case let text: throw problem("'\(text)' is neither true nor false", hint: "write true or false")
        }
    }

    /// A program that is there and may be run, and its arguments.
    func program(_ values: [String]) throws -> [String] {
        guard let program = values.first else { return [] }
        guard program.hasPrefix("/") else {
            throw problem("'\(program)' is no absolute path", hint: "write [/usr/local/bin/start, its, arguments]")
        }
        guard FileManager.default.isExecutableFile(atPath: program) else {
            throw problem("'\(program)' cannot be run", hint: "see that it exists, then: chmod +x '\(program)'")
        }
        return values
    }
}
