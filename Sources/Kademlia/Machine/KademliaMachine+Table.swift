internal import Identity
internal import OrderedCollections
internal import Primitives

// Who is in the table: seeds first, then whoever answers.
extension KademliaMachine {
    mutating func identified(
        _ peer: KademliaPeer,
        isServer: Bool,
        from source: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard peer.id != own else { return }
        let peer = peer.visible(from: source)
        if connected[peer.id] != nil || connected.count < KademliaLimits.connectedCountMax {
            connected[peer.id] = KademliaPeer(id: peer.id, addresses: peer.addresses, connection: .connected)
        }
        if !isServer {
            remove(peer.id, at: now, into: &outputs)
        } else if known.contains(peer.id) {
            known.moved(peer.id, to: peer.addresses)
        } else if !peer.addresses.isEmpty, known.admits(peer.id, group: peer.group(connectedFrom: source)) {
            examine(peer, at: now, into: &outputs)
        }
    }

    /// Takes in a peer that has just answered; its own word on its addresses, if we have it, goes before others'.
    mutating func admit(_ peer: KademliaPeer, from source: IPAddress?, at now: Instant, into outputs: inout [Output]) {
        guard peer.id != own else { return }
        let group = peer.group(connectedFrom: source)
        let peer = KademliaPeer(id: peer.id, addresses: (connected[peer.id] ?? peer).addresses)
        switch known.admit(peer, group: group, at: now) {
        case .added:
            outputs.append(.peerAdded(peer.id))
            if known.count <= KademliaLimits.tableCountMin { refresh.hurry(at: now) }
        case .waiting(let doubtful?):
            examine(doubtful, at: now, into: &outputs)
        case .known, .refused, .waiting(nil):
            break
        }
    }

    /// A peer did not answer; the second time it loses its place to one that waits.
    mutating func contactFailed(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard known.failed(peer, at: now) else { return }
        outputs.append(.peerRemoved(peer))
        replace(peer, at: now, into: &outputs)
    }

    private mutating func remove(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard known.remove(peer) else { return }
        outputs.append(.peerRemoved(peer))
        replace(peer, at: now, into: &outputs)
    }

    private mutating func replace(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        if let replacement = known.takeReplacement(for: peer) { examine(replacement, at: now, into: &outputs) }
        guard known.count < KademliaLimits.tableCountMin else { return }
        refresh.hurry(at: now)
        let soon = now.advanced(by: KademliaLimits.hurriedInterval)
        if let due = seedsAt ?? (known.count == 0 ? soon : nil) { seedsAt = min(due, soon) }
    }

    /// Asks a peer for itself: who cannot answer that does not get or keep a place.
    ///
    /// The same question that go-libp2p-kad-dht asks before it adds a peer. It waits while all places of examinations or of requests
    /// are taken.
    mutating func examine(_ peer: KademliaPeer, at now: Instant, into outputs: inout [Output]) {
        guard peer.id != own, !checks.contains(peer.id) else { return }
        let isRoom = waitingChecks.count < KademliaLimits.waitingCheckCountMax
        guard isRoom || waitingChecks[peer.id] != nil else { return }
        waitingChecks[peer.id] = peer
        beginChecks(at: now, into: &outputs)
    }

    /// Begins the examinations for which there are places, the longest waiting first.
    mutating func beginChecks(at now: Instant, into outputs: inout [Output]) {
        while checks.count < KademliaLimits.checkCountMax, let peer = waitingChecks.values.first {
            let request = RequestBook.Request(peer: peer, purpose: .check, kind: .findNode)
            guard let id = requests.open(request, at: now) else { return }
            waitingChecks.removeFirst()
            checks.append(peer.id)
            let message = KademliaMessage(kind: .findNode, key: peer.id.bytes)
            outputs.append(.request(id, peer, message.encoded, expectsResponse: true))
        }
    }

    /// Asks the seeds that are not in the table: all while it is small, else one, so that parted networks find each other.
    ///
    /// An empty table asks whoever is connected: a cut that connections outlive may have emptied it, and nobody identifies anew.
    mutating func contactSeeds(at now: Instant, into outputs: inout [Output]) {
        if known.count == 0 {
            for peer in connected.values { examine(peer, at: now, into: &outputs) }
        } else if config.seeds.isEmpty {
            seedsAt = nil
            return
        }
        let isSmall = known.count < KademliaLimits.tableCountMin
        let pause = isSmall ? KademliaLimits.hurriedInterval : config.refreshInterval
        seedsAt = now.advanced(by: random.jittered(pause, by: 0.1))
        let missing = config.seeds.filter { !known.contains($0.id) }
        for seed in isSmall ? missing : random.sample(missing, 1) { examine(seed, at: now, into: &outputs) }
    }
}

// MARK: Refresh

extension KademliaMachine {
    mutating func refreshIfDue(at now: Instant, into outputs: inout [Output]) {
        guard let due = refresh.deadline, due <= now else { return }
        refresh.begin(bucketCount: known.table.bucketCount, interval: config.refreshInterval, at: now)
        continueRefresh(at: now, into: &outputs)
    }

    /// Starts the next search of the round, or ends it.
    mutating func continueRefresh(at now: Instant, into outputs: inout [Output]) {
        guard refresh.isRunning else { return }
        while known.count > 0, let target = refresh.nextTarget() {
            guard let key = rawKey(of: target) else { continue }
            guard launch(.refresh(key), command: nil, at: now, into: &outputs) else { break }
            return
        }
        refresh.end(next: now.advanced(by: random.jittered(config.refreshInterval, by: 0.1)))
    }

    /// A peer id whose key lies in the bucket, found by trying: in bucket b one of 2^(b + 1) does.
    private mutating func rawKey(of target: TableRefresh.Target) -> [UInt8]? {
        guard case .bucket(let bucket) = target else { return own.bytes }
        for _ in 0..<(8 << bucket) {
            let candidate = Multihash(sha256: random.bytes(8)).bytes
            if ownKey.commonPrefixLength(with: KademliaKey(hashing: candidate)) == bucket { return candidate }
        }
        return nil
    }
}
