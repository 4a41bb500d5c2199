import Foundation
import Testing

@Suite(.timeLimit(.minutes(2))) struct `Finding others` {
    private func write(_ text: String, as network: String, in home: TestHome) throws {
        try FileManager.default.createDirectory(
            atPath: home.path + "/networks",
            withIntermediateDirectories: true
        )
        _ = try home.write(text, to: "networks/\(network).yaml")
    }

    private func bootstrap(_ home: TestHome, _ network: String) async throws -> [String: Any]? {
        let result = try await home.run("config", "show", "--json", "--network", network)
        return result.objects.first { $0["key"] as? String == "bootstrap" }
    }

    @Test func `a network's own file brings its seeds, and named ones go before it`() async throws {
        let home = try TestHome()
        let seed = "/ip4/203.0.113.7/tcp/4180/p2p/12D3KooWKDytj65gTNPQWqVWAJHxPKqyx6Au45de91DNLX6UEYDu"
        try write("network: lab\nseeds:\n  - \(seed)\n", as: "lab", in: home)
        let shipped = try #require(try await bootstrap(home, "lab"))
        #expect(shipped["value"] as? [String] == [seed])
        #expect(shipped["origin"] as? String == "file \(home.path)/networks/lab.yaml")
        #expect(try await bootstrap(home, "other")?["value"] as? [String] == [])
        _ = try home.write("bootstrap: [\(seed.replacing("4180", with: "4190"))]\n", to: "config.yaml")
        let named = try #require(try await bootstrap(home, "lab"))
        #expect(named["origin"] as? String == "file \(home.path)/config.yaml")
    }

    @Test(
        arguments: [
            ("network: other\n", "is not about network 'lab'"), ("seeds: []\n", "is not about network 'lab'"),
            ("network: lab\nsseds: []\n", "did you mean 'seeds'?"),
            ("network: lab\nseeds: [here]\n", "lab.yaml: 'here'"),
            ("network: lab\nseeds: [/ip4/203.0.113.7/tcp/4180]\n", "is no peer's address"), ("- lab\n", "lab.yaml"),
        ]
    )
    func `a file that makes no sense is explained`(text: String, part: String) async throws {
        let home = try TestHome()
        try write(text, as: "lab", in: home)
        let result = try await home.run("config", "check", "--network", "lab")
        #expect(result.code == 2)
        #expect(result.complaint.contains(part))
    }

    @Test func `the files that are shipped are good`() async throws {
        let home = try TestHome()
        for network in ["main", "local"] {
            #expect(try await home.run("config", "check", "--network", network).code == 0)
        }
    }

    @Test func `three nodes that know one of them find each other and what they provide`() async throws {
        let homes = [try TestHome(), try TestHome(), try TestHome()]
        let first = try await homes[0].up()
        let address = try first.address
        let others = [
            try await homes[1].up("--bootstrap", address), try await homes[2].up("--bootstrap", address),
        ]
        for home in homes {
            try await eventually("two servers in the table") {
                let table = try await home.run("dht", "--json").objects.first
                return table?["servers"] as? Int == 2 && table?["mode"] as? String == "server" ? () : nil
            }
        }
        let provided = try await homes[1].run("dht", "provide", "my model")
        #expect(provided.output == "2 peers remember it\n")
        let found = try await homes[2].run("dht", "providers", "my model", "--json").objects
        let second = try await homes[1].run("id", "--json").objects.first
        #expect(found.map { $0["peer"] as? String } == [second?["peer"] as? String])
        let peer = try #require(second?["peer"] as? String)
        let addresses = try await homes[2].run("dht", "find-peer", peer)
        #expect(addresses.code == 0 && addresses.output.contains("/p2p/\(peer)"))
        #expect(try await homes[0].run("dht", "closest", peer).lines.count == 3, "a head and two peers")
        #expect(try await homes[0].run("dht", "providers", "nothing").code == 1)
        for (home, node) in zip(homes, [first] + others) {
            _ = try await home.run("down")
            #expect(try await node.waitUntilEnded() == 0)
        }
    }

    @Test func `a search that may lack offers says so to scripts too, beside its rows`() async throws {
        let home = try TestHome()
        let node = try await home.up("--segments", "amd-consumer")
        for flags in [["--json"], [], ["--json", "--explain"]] {
            let search = try await home.run(["search", "gpu=rtx-4090"] + flags)
            #expect(search.code == 0)
            let warning = "warning: fewer than 3 peers in distinct networks answered for nvidia-consumer/"
            #expect(search.complaint.hasPrefix(warning) && search.complaint.hasSuffix(": offers may be missing\n"))
            guard flags.first == "--json" else { continue }
            #expect(search.objects.filter { $0["replicas"] != nil }.count == flags.count - 1)
            #expect(search.objects.count == (flags.count == 1 ? 0 : 2), "rows, whom it has asked, the explanation")
        }
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
    }

    @Test func `a node without a table says so, and how to give it one`() async throws {
        let home = try TestHome()
        let node = try await home.up("--dht", "off")
        let peer = try #require(try await home.run("id", "--json").objects.first?["peer"] as? String)
        let commands = [
            ["dht"], ["dht", "find-peer", peer], ["dht", "storefront", peer], ["dht", "closest", "x"],
            ["dht", "provide", "x"], ["dht", "providers", "x"],
        ]
        for command in commands {
            let result = try await home.run(command)
            #expect(result.code == 1 && result.output.isEmpty)
            #expect(
                result.complaint.split(separator: "\n") == [
                    "error: this node takes no part in the hash table",
                    "  start it with --dht on, or with dht: on in config.yaml",
                ]
            )
        }
        _ = try await home.run("down")
        #expect(try await node.waitUntilEnded() == 0)
    }
}
