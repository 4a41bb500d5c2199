import Identity
import Kademlia
import Primitives
import Sockets
import Testing

@testable import DaemonControl

@Suite struct `Flags of the daemon` {
    @Test func `what others start p2pd with starts this daemon too`() throws {
        let flags = try DaemonFlags([
            "-listen", "/unix/tmp/x", "-id", "key", "-hostAddrs", "/ip4/127.0.0.1/tcp/0", "-noise=true", "-tls=false",
            "-muxer", "yamux", "-pubsub", "-dhtServer", "-relay=false", "--persistentConnMaxMsgSize", "100",
        ])
        #expect(flags.control == .path("/tmp/x"))
        #expect(flags.identityPath == "key")
        #expect(flags.hostAddresses == [Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)])
        #expect(flags.hasPubsub && !flags.isQuiet && !flags.wantsHelp)
        #expect(flags.dhtMode == .server)
        #expect(flags.ignored == ["persistentConnMaxMsgSize"])
    }

    @Test func `the defaults are those of p2pd`() throws {
        let flags = try DaemonFlags([])
        #expect(flags.control == .path("/tmp/p2pd.sock"))
        #expect(flags.hostAddresses == [Endpoint(address: IPAddress(0, 0, 0, 0), port: 0)])
        #expect(!flags.hasPubsub && flags.identityPath == nil)
    }

    @Test func `addresses of other transports are left out, and none is an error`() throws {
        let both = "/ip4/127.0.0.1/udp/1/quic-v1,/ip4/127.0.0.1/tcp/2"
        #expect(try DaemonFlags(["-hostAddrs", both]).hostAddresses.map(\.port) == [2])
        #expect(throws: DaemonFlags.Failure.self) { try DaemonFlags(["-hostAddrs", "/ip4/127.0.0.1/udp/1/quic-v1"]) }
        #expect(try DaemonFlags(["-noListenAddrs"]).hostAddresses == [])
    }

    @Test(arguments: [("1s", 1_000), ("1m30s", 90_000), ("250ms", 250)])
    func `durations are written as in Go`(text: String, milliseconds: Int64) throws {
        let flags = try DaemonFlags(["-gossipsubHeartbeatInterval=\(text)"])
        #expect(flags.heartbeatInterval == .milliseconds(milliseconds))
    }

    @Test(arguments: [
        ["-nonsense"], ["word"], ["-listen"], ["-listen", "tmp"], ["-pubsub=maybe"], ["-noise=false"],
        ["-muxer", "mplex"], ["-pubsubRouter", "floodsub"], ["-connLo", "0"], ["-connHi", "x"],
        ["-gossipsubHeartbeatInterval", "1"], ["-bootstrapPeers", "nobody"], ["-"],
    ])
    func `what cannot be obeyed is refused in words`(arguments: [String]) throws {
        let failure = try #require(throws: DaemonFlags.Failure.self) { try DaemonFlags(arguments) }
        #expect(!failure.words.isEmpty)
    }

    @Test func `the help names every flag that is obeyed`() {
        for (name, _) in DaemonFlag.obeyed where name != "h" { #expect(DaemonFlags.help.contains("-\(name) ")) }
    }
}
