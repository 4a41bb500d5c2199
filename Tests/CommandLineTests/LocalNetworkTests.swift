import Foundation
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(2))) struct `On a local network` {
    /// A network namespace needs the system's leave, which containers often do not have.
    static let canIsolate: Bool = {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/unshare")
        process.arguments = ["--net", "--map-root-user", "/usr/bin/env", "ip", "link", "add", "type", "veth"]
        (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }()

    /// A cable of its own with addresses of one family on it; both ends are in one namespace, in which the command after it runs.
    private static func cable(_ address: String) -> [String] {
        let script = """
            set -e
            ip link set lo up
            ip link add lan0 type veth peer name lan1
            ip address add \(address) dev lan0
            ip link set lan0 up
            ip link set lan1 up
            exec "$@"
            """
        return ["/usr/bin/unshare", "--net", "--map-root-user", "/bin/sh", "-c", script, "sh"]
    }

    /// What runs the command after it where a node runs.
    private static func joining(_ node: TestNode) -> [String] {
        let namespace = "/proc/\(node.process.processIdentifier)/ns"
        return [
            "/usr/bin/nsenter", "--user=\(namespace)/user", "--net=\(namespace)/net", "--preserve-credentials",
        ]
    }

    @Test(
        .enabled(if: canIsolate, "network namespaces are not to be had here"),
        arguments: [("fd00:7269:616c::1/64", "/ip6/::/tcp/0"), ("10.77.0.1/24", "/ip4/0.0.0.0/tcp/0")]
    )
    func `two nodes that know nobody find each other`(address: String, listen: String) async throws {
        let homes = [try TestHome(), try TestHome()]
        let flags = ["up", "--json", "--listen", listen, "--api", "off", "--mdns", "on", "--network", "lab"]
        let first = try await homes[0].ready(flags, wrapper: Self.cable(address))
        let second = try await homes[1].ready(flags, wrapper: Self.joining(first))
        let ids = [try await id(homes[0]), try await id(homes[1])]
        for (home, other) in zip(homes, ids.reversed()) {
            try await eventually("a neighbour") {
                let peers = try await home.run("peers", "--json").objects
                return peers.contains { $0["peer"] as? String == other } ? () : nil
            }
        }
        for (home, node) in zip(homes, [first, second]) {
            _ = try await home.run("down")
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    /// py-libp2p answers and asks by another implementation of multicast DNS, zeroconf.
    @Test(
        .enabled(if: canIsolate, "network namespaces are not to be had here"),
        .enabled(if: ForeignPeers.areInstalled, "\(ForeignPeers.absence)")
    )
    func `a node and a host of py-libp2p find each other`() async throws {
        let home = try TestHome()
        let node = try await home.ready(
            ["up", "--json", "--listen", "/ip4/0.0.0.0/tcp/0", "--api", "off", "--mdns", "on"],
            wrapper: Self.cable("10.77.0.1/24")
        )
        let own = try await id(home)
        let foreigner = try Neighbour(listen: "/ip4/10.77.0.1/tcp/0", in: home, wrapper: Self.joining(node))
        let name = try await eventually("a foreign host") {
            foreigner.lines.lazy.compactMap { $0["ready"] as? String }.first
        }
        try await eventually("that the foreign host finds the node") {
            foreigner.lines.contains { line in
                let addresses = line["addresses"] as? [String] ?? []
                return line["found"] as? String == own && addresses.contains { $0.hasPrefix("/ip4/10.77.0.1/tcp/") }
            } ? () : nil
        }
        try await eventually("that the node finds the foreign host") {
            let peers = try await home.run("peers", "--json").objects
            return peers.contains { $0["peer"] as? String == name } ? () : nil
        }
        foreigner.stop()
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
    }

    private func id(_ home: TestHome) async throws -> String {
        try #require(try await home.run("id", "--json").objects.first?["peer"] as? String)
    }
}
