import Foundation
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

    @Test(
        .enabled(if: canIsolate, "network namespaces are not to be had here"),
        arguments: [("fd00:7269:616c::1/64", "/ip6/::/tcp/0"), ("10.77.0.1/24", "/ip4/0.0.0.0/tcp/0")]
    )
    func `two nodes that know nobody find each other`(address: String, listen: String) async throws {
        let homes = [try TestHome(), try TestHome()]
        let flags = ["up", "--json", "--listen", listen, "--api", "off", "--mdns", "on", "--network", "lab"]
        let first = try await homes[0].ready(flags, wrapper: Self.cable(address))
        let namespace = "/proc/\(first.process.processIdentifier)/ns"
        let joined = [
            "/usr/bin/nsenter", "--user=\(namespace)/user", "--net=\(namespace)/net", "--preserve-credentials",
        ]
        let second = try await homes[1].ready(flags, wrapper: joined)
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

    private func id(_ home: TestHome) async throws -> String {
        try #require(try await home.run("id", "--json").objects.first?["peer"] as? String)
    }
}
