import Cryptography
import DaemonControl
import Identity
import Kademlia
import Primitives
import Testing

extension Interoperability {
    /// Three daemons in a row; whoever asks is one of ours or one of go's, and those in its way are the others.
    @Suite struct `In a hash table with go` {
        struct Row {
            let first: DaemonPeer
            let middle: DaemonPeer
            let last: DaemonPeer

            private init(_ kind: DaemonKind) throws {
                let other: DaemonKind = kind == .go ? .rialto : .go
                first = try DaemonPeer(kind, 201, hasPubsub: false, hasDHT: true)
                middle = try DaemonPeer(other, 202, hasPubsub: false, hasDHT: true)
                last = try DaemonPeer(kind, 203, hasPubsub: false, hasDHT: true)
                try first.client.connect(to: middle.address)
                try last.client.connect(to: middle.address)
            }

            /// A row whose ends know the middle; one in which somebody stays alone is made anew.
            ///
            /// Go asks a newcomer once and takes it into its table if it answers; where that one question fails, while daemons start on a
            /// busy machine, it does not ask again for minutes.
            static func settled(asking kind: DaemonKind) throws -> Row {
                for _ in 0..<3 {
                    let row = try Row(kind)
                    if row.isSettled { return row }
                }
                throw PeerFailure.timedOut("a row of daemons that know each other")
            }

            private var isSettled: Bool {
                let deadline = Deadline.within(.seconds(5))
                let key = Array("anybody".utf8)
                while ContinuousClock.now < deadline {
                    let known = [first, last].map { (try? $0.client.closestPeers(to: key)) ?? [] }
                    if known.allSatisfy({ !$0.isEmpty }) { return true }
                }
                return false
            }
        }

        let multihash = Multihash(sha256: Array("a model".utf8)).bytes

        @Test(arguments: DaemonKind.allCases) func `a peer is found through one of the other kind`(
            kind: DaemonKind
        ) throws {
            let row = try Row.settled(asking: kind)
            // While go takes in what identify says, it knows no address of the peer for a moment.
            let found = try eventually {
                let found = try row.first.client.findPeer(row.last.peer)
                guard !found.addresses.isEmpty else { throw PeerFailure.timedOut("an address") }
                return found
            }
            #expect(found.peer == row.last.peer)
            #expect(found.addresses.contains(row.last.address.withoutPeer.bytes))
        }

        /// Go takes nobody into its table who does not answer its question for that peer itself.
        @Test(arguments: DaemonKind.allCases) func `the nearest peers are of both kinds`(kind: DaemonKind) throws {
            let row = try Row.settled(asking: kind)
            let key = Array("anything".utf8)
            let nearest = try eventually {
                let nearest = try row.first.client.closestPeers(to: key)
                guard Set(nearest) == [row.middle.peer, row.last.peer] else { throw PeerFailure.timedOut("two peers") }
                return nearest
            }
            let target = KademliaKey(hashing: key)
            let distances = nearest.map { KademliaKey(hashing: $0.bytes).distance(to: target) }
            #expect(distances == distances.sorted())
        }

        @Test(arguments: DaemonKind.allCases) func `what one provides the others find`(kind: DaemonKind) throws {
            let row = try Row.settled(asking: kind)
            try eventually { try row.first.client.provide(multihash) }
            for daemon in [row.middle, row.last] {
                let found = try eventually {
                    let found = try daemon.client.findProviders(of: multihash)
                    guard !found.isEmpty else { throw PeerFailure.timedOut("a provider") }
                    return found
                }
                #expect(found.map(\.peer) == [row.first.peer])
                #expect(found.first?.addresses.contains(row.first.address.withoutPeer.bytes) == true)
            }
            let other = Multihash(sha256: Array("another model".utf8)).bytes
            #expect(try row.first.client.findProviders(of: other).isEmpty)
        }

        @Test(arguments: DaemonKind.allCases) func `a public key that one stores the others read`(
            kind: DaemonKind
        ) throws {
            let row = try Row.settled(asking: kind)
            let named = Ed25519.PrivateKey(seed: [UInt8](repeating: 77, count: 32)).publicKey
            let key = Array("/pk/".utf8) + PeerID(publicKey: named).bytes
            let value = KeyCodec.encode(named)
            try eventually { try row.first.client.putValue(value, for: key) }
            for daemon in [row.middle, row.last] {
                let read = try eventually { try daemon.client.value(of: key) }
                #expect(read == value)
            }
            #expect(throws: PeerFailure.self) { try row.first.client.putValue(value + [0], for: key) }
            #expect(try row.last.client.publicKey(of: row.first.peer).suffix(32) == row.first.peer.bytes.suffix(32))
        }

        /// S-26 on the wire: by hand, because no daemon's own call would say it.
        @Test(arguments: DaemonKind.allCases) func `nobody is made a provider by another`(kind: DaemonKind) throws {
            let (asker, server) = (
                try DaemonPeer(kind, 201, hasPubsub: false, hasDHT: true),
                try DaemonPeer(kind == .go ? .rialto : .go, 202, hasPubsub: false, hasDHT: true)
            )
            try asker.client.connect(to: server.address)
            let victim = PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: 78, count: 32)).publicKey)
            let stream = try asker.client.openStream(to: server.peer, "/ipfs/kad/1.0.0")
            for (peer, address) in [(victim, server.address), (asker.peer, asker.address)] {
                let entry = KademliaPeer(id: peer, addresses: [address.withoutPeer])
                let message = KademliaMessage(kind: .addProvider, key: multihash, providerPeers: [entry])
                try stream.write(LengthPrefixedFrames.framed(message.encoded))
            }
            try stream.write(LengthPrefixedFrames.framed(KademliaMessage(kind: .getProviders, key: multihash).encoded))
            let frame = try stream.readFrame()
            let answer = try KademliaMessage(parsing: frame.span)
            #expect(answer.providerPeers.map(\.id) == [asker.peer])
        }

        /// Tables fill some time after a connection; each question is a round trip, so this is no busy wait.
        private func eventually<Value>(_ body: () throws -> Value) throws -> Value {
            let deadline = Deadline.within()
            while ContinuousClock.now < deadline {
                if let value = try? body() { return value }
            }
            return try body()
        }
    }

    /// py-libp2p takes multihashes in hexadecimal.
    @Test func `a hash table with py-libp2p finds peers and providers both ways`() throws {
        let daemon = try DaemonPeer(.rialto, 201, hasPubsub: false, hasDHT: true)
        let third = try DaemonPeer(.rialto, 202, hasPubsub: false, hasDHT: true)
        let python = try PythonPeer(signs: true)
        defer { python.stop() }
        try third.client.connect(to: daemon.address)
        try python.tell("connect", ["address": daemon.address.description])
        try python.tell("join", ["peer": daemon.peer.description])
        let addresses: [String] = try python.ask("find", ["peer": third.peer.description])
        #expect(addresses.contains { $0.hasPrefix(third.address.withoutPeer.description) })
        #expect(try third.client.findPeer(python.peer).peer == python.peer)

        let (theirs, ours) = (Multihash(sha256: Array("theirs".utf8)), Multihash(sha256: Array("ours".utf8)))
        let isProvided: Bool = try python.ask("provide", ["key": hex(theirs.bytes)])
        #expect(isProvided)
        #expect(try third.client.findProviders(of: theirs.bytes).map(\.peer) == [python.peer])
        try third.client.provide(ours.bytes)
        let providers: [String] = try python.ask("providers", ["key": hex(ours.bytes)])
        #expect(providers.contains(third.peer.description))
    }
}
