package import Identity
package import Kademlia
package import Primitives
package import Sockets

/// The command line of the daemon, with the names and the manners of go-libp2p-daemon's: one dash or two, `-name value` or
/// `-name=value`, and a flag alone is `true`.
package struct DaemonFlags: Hashable, Sendable {
    package var control = LocalAddress.path("/tmp/p2pd.sock")
    /// The file with the private key; a fresh one is made without it.
    package var identityPath: String?
    package var hostAddresses = [Endpoint(address: IPAddress(0, 0, 0, 0), port: 0)]
    package var announcedAddresses: [Multiaddr] = []
    package var bootstrapPeers: [Multiaddr] = []
    package var hasBootstrap = false
    package var hasPubsub = false
    package var heartbeatInterval: Duration?
    package var firstHeartbeat: Duration?
    /// `nil` without a hash table.
    package var dhtMode: KademliaMode?
    package var trimsConnections = false
    package var connectionLowWater = 256
    package var connectionHighWater = 512
    package var connectionGrace = Duration.seconds(120)
    package var isQuiet = false
    package var wantsHelp = false
    /// Flags that other daemons obey and this one does not, as they were given.
    package var ignored: [String] = []

    /// Why a command line is refused, in words for a human.
    package struct Failure: Error, Hashable, Sendable {
        package let words: String
    }

    package init(_ arguments: [String]) throws(Failure) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-", argument != "--" else {
                throw Failure(words: "unexpected argument \(argument)")
            }
            let body = argument.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let flag = DaemonFlag.all[name] else { throw Failure(words: "no such flag: -\(name)") }
            let value: String
            if parts.count == 2 {
                value = String(parts[1])
            } else if flag.isSwitch {
                value = "true"
            } else {
                guard let next = rest.popFirst() else { throw Failure(words: "-\(name) needs a value") }
                value = next
            }
            try set(name, flag, value)
        }
    }

    private mutating func set(_ name: String, _ flag: DaemonFlag, _ value: String) throws(Failure) {
        switch name {
        case "listen":
            do throws(ControlError) {
                control = try LocalAddress(multiaddr: value)
            } catch {
                throw Failure(words: "-listen: \(value) is neither /unix/<path> nor /ip4/<address>/tcp/<port>")
            }
        case "id": identityPath = value
        case "hostAddrs": hostAddresses = try Self.endpoints(value, of: name)
        case "announceAddrs": announcedAddresses = try Self.addresses(value, of: name)
        case "bootstrapPeers": bootstrapPeers = try Self.addresses(value, of: name)
        case "noListenAddrs": if try Self.isOn(value, name) { hostAddresses = [] }
        case "b": hasBootstrap = try Self.isOn(value, name)
        case "q": isQuiet = try Self.isOn(value, name)
        case "h", "help": wantsHelp = try Self.isOn(value, name)
        case "pubsub": hasPubsub = try Self.isOn(value, name)
        case "gossipsubHeartbeatInterval": heartbeatInterval = try Self.duration(value, name)
        case "gossipsubHeartbeatInitialDelay": firstHeartbeat = try Self.duration(value, name)
        case "dht", "dhtClient": if try Self.isOn(value, name) { dhtMode = dhtMode ?? .client }
        case "dhtServer": if try Self.isOn(value, name) { dhtMode = .server }
        case "connManager": trimsConnections = try Self.isOn(value, name)
        case "connLo": connectionLowWater = try Self.count(value, name)
        case "connHi": connectionHighWater = try Self.count(value, name)
        case "connGrace": connectionGrace = try Self.duration(value, name) ?? .zero
        default: try setFixed(name, flag, value)
        }
    }

    /// A flag that can only have one value here, or none that matters.
    private mutating func setFixed(_ name: String, _ flag: DaemonFlag, _ value: String) throws(Failure) {
        if let only = flag.only {
            let isSame = flag.isSwitch ? try Self.isOn(value, name) == (only == "true") : value == only
            guard isSame else { throw Failure(words: "-\(name): only \(only) is possible here") }
        } else {
            let isAskedFor = flag.isSwitch ? try Self.isOn(value, name) : true
            if isAskedFor { ignored.append(name) }
        }
    }

    // MARK: Values

    private static func isOn(_ value: String, _ name: String) throws(Failure) -> Bool {
        switch value {
        case "true", "1", "t", "T", "TRUE", "True": return true
        case "false", "0", "f", "F", "FALSE", "False": return false
        default: throw Failure(words: "-\(name): \(value) is neither true nor false")
        }
    }

    private static func count(_ value: String, _ name: String) throws(Failure) -> Int {
        guard let count = Int(value), (1...1 << 20).contains(count) else {
            throw Failure(words: "-\(name): \(value) is not a number from 1 to \(1 << 20)")
        }
        return count
    }

    private static func addresses(_ value: String, of name: String) throws(Failure) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for text in value.split(separator: ",") {
            guard let address = try? Multiaddr(text: String(text)) else {
                throw Failure(words: "-\(name): \(text) is not a multiaddr")
            }
            addresses.append(address)
        }
        return addresses
    }

    /// Addresses of other transports are left out: whoever lists TCP and QUIC gets TCP.
    private static func endpoints(_ value: String, of name: String) throws(Failure) -> [Endpoint] {
        let addresses = try addresses(value, of: name)
        let endpoints = addresses.compactMap(\.tcpEndpoint)
        guard addresses.isEmpty || !endpoints.isEmpty else {
            throw Failure(words: "-\(name): none of the addresses is of the form /ip4/<address>/tcp/<port>")
        }
        return endpoints
    }

    /// Such as `1s`, `1m30s` or `250ms`; `nil` for zero, which stands for the default.
    private static func duration(_ value: String, _ name: String) throws(Failure) -> Duration? {
        var (total, rest) = (Duration.zero, value[...])
        while !rest.isEmpty, value != "0" {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            guard let count = Int32(digits), let length = Self.units[String(unit)] else {
                throw Failure(words: "-\(name): \(value) is not a duration such as 500ms or 1m30s")
            }
            total += length * count
        }
        return total == .zero ? nil : total
    }

    private static let units: [String: Duration] = [
        "ms": .milliseconds(1), "s": .seconds(1), "m": .seconds(60), "h": .seconds(3600),
    ]
}
