internal import Foundation
internal import Glibc
internal import Inventory
internal import LocalAPI
internal import Primitives
internal import Swarm

/// Looks at what surrounds a node: settings, limits, clock, GPUs.
struct MachineChecks {
    /// What a record's time may be off by.
    private static let clockToleranceSeconds: Int64 = 120

    let home: String

    var findings: [Finding] { settings + [descriptors, clock, gpus] }

    private var settings: [Finding] {
        var findings: [Finding] = []
        do {
            _ = try NodeSettings.read(home: home, configPath: nil, flags: [:])
            findings.append(.good("settings", "config.yaml and the RIALTO_ variables make sense"))
        } catch let failure as CommandFailure {
            findings.append(.wrong("settings", failure.message, remedy: failure.hint ?? "see: rialto config --help"))
        } catch {
            findings.append(.wrong("settings", "\(error)", remedy: "see: rialto config --help"))
        }
        return findings
            + UnknownVariables.warnings(in: ProcessInfo.processInfo.environment).map {
                .wrong("variables", $0, remedy: "rename it, or unset it")
            }
    }

    /// Sockets of the node, and some for its files and its API.
    private var descriptors: Finding {
        let needed = ResourceLimits().system.each.descriptors + 64
        let limit = ProcessFacts.descriptorCountMax
        guard limit < needed else { return .good("descriptors", "\(limit) may be open, \(needed) are needed") }
        return .wrong(
            "descriptors",
            "only \(limit) files and sockets may be open; a node needs up to \(needed)",
            remedy: "ulimit -n 4096, or LimitNOFILE=4096 in the unit"
        )
    }

    /// Files from the future show a clock that was set back; how far it is from the peers' clocks, a running node knows.
    private var clock: Finding {
        let now = ShellClock.unixMilliseconds / 1_000
        let newest = ["node.sqlite", "cache.sqlite"].compactMap { ProcessFacts.changed(ofFile: home + "/" + $0) }.max()
        guard let newest, newest - now > Self.clockToleranceSeconds else {
            return .good("clock", "no file is from the future")
        }
        return .wrong(
            "clock",
            "the clock is \(newest - now) s behind what this node wrote",
            remedy: "timedatectl set-ntp true; records that are two minutes early are refused"
        )
    }

    private var gpus: Finding {
        let report = GPUInventory().detect()
        guard report.gpus.isEmpty else {
            let unknown = report.gpus.filter { $0.model == nil }.map(\.name)
            guard unknown.isEmpty else {
                return .note("gpus", "not in the catalogue: \(unknown.joined(separator: ", "))")
            }
            return .good("gpus", "\(report.gpus.count) found, all in the catalogue")
        }
        return .note("gpus", "no GPU found; who only rents needs none", remedy: report.hint)
    }
}

/// Whether the ports of a node that does not run are free for it.
struct PortChecks {
    let settings: NodeSettings

    var findings: [Finding] {
        let endpoints = settings.listen.value + (settings.api.value.map { [$0] } ?? [])
        let taken = endpoints.filter { $0.port > 0 && Self.isTaken($0) }
        guard !taken.isEmpty else { return [.good("ports", "the ports are free")] }
        return taken.map {
            .wrong(
                "ports",
                "\($0) is taken by another program",
                remedy: "stop it (ss -ltnp shows it), or choose another port with listen and api in config.yaml"
            )
        }
    }

    private static func isTaken(_ endpoint: Endpoint) -> Bool {
        let family = endpoint.address.isIPv4 ? AF_INET : AF_INET6
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        var yes: Int32 = 1
        // As the node binds: connections of a former life that linger do not count, nor does the other family.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        if family == AF_INET6 { _ = unsafe setsockopt(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, &yes, 4) }
        return !bind(descriptor, endpoint) && errno == EADDRINUSE
    }

    private static func bind(_ descriptor: Int32, _ endpoint: Endpoint) -> Bool {
        let bytes = endpoint.address.bytes
        if endpoint.address.isIPv4 {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = endpoint.port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin_addr) { unsafe $0.copyBytes(from: bytes) }
            return unsafe withUnsafePointer(to: address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
                }
            }
        }
        var address = sockaddr_in6()
        address.sin6_family = sa_family_t(AF_INET6)
        address.sin6_port = endpoint.port.bigEndian
        unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0.copyBytes(from: bytes) }
        return unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe Glibc.bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
            }
        }
    }
}
