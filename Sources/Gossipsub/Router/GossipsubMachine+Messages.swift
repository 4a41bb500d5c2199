internal import Cryptography
internal import Identity
internal import OrderedCollections
internal import Primitives

/// Messages from their arrival to their verdict, and beyond.
extension GossipsubMachine {
    /// `place` is where the peer stands.
    mutating func receive(
        _ wire: WireMessage,
        from peer: PeerID,
        _ place: Int,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let joined = topics.index(forKey: wire.topic) else { return }
        let opened: OpenedMessage
        switch OpenedMessage.open(wire, policy: topics.values[joined].signatures, known: &recent) {
        case .opened(let message):
            opened = message
        case .unverifiable:
            // An author whose key type we do not know: honest, but not for us to judge.
            return
        case .violation:
            outputs.append(.misbehaved(peer, .wrongSignaturePolicy(wire.topic)))
            charge([peer], wire.topic)
            return
        }
        // An echo of our own, or a forgery in our name.
        guard opened.author != identity else { return }
        let key = MessageKey(id: opened.id, topic: wire.topic)
        if opened.check == nil { promises.settle(opened.id) }
        guard !isDuplicate(wire, key, from: peer, place, joined, at: now, into: &outputs) else { return }
        guard pending.hasRoom(for: wire.data?.count ?? 0, from: peer) else {
            // Not marked as seen: another copy may come at a better time.
            gater.noteDropped(at: now)
            return
        }
        let message = GossipMessage(
            id: opened.id,
            topic: wire.topic,
            data: wire.data ?? [],
            source: peer,
            author: opened.author,
            sequence: opened.sequence,
            content: wire.origin?.content
        )
        let phase = opened.check == nil ? PendingValidation.Phase.validating : .verifying
        let id = pending.insert(PendingValidation(key: key, message: message, wire: wire, phase: phase))
        gater.noteValidated()
        outputs.append(opened.check.map { .verify(id, $0) } ?? .validate(id, message))
    }

    /// Whether the message was judged before or is being judged; then only its bringer is noted.
    private mutating func isDuplicate(
        _ wire: WireMessage,
        _ key: MessageKey,
        from peer: PeerID,
        _ place: Int,
        _ joined: Int,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        if let copy = log.noteCopy(of: key, from: peers.values[place].place) {
            gater.noteDuplicate(peer, near: place)
            switch copy.verdict {
            case .accepted:
                if copy.isFirst, let slot = topics.values[joined].scoreSlot {
                    scores.creditCopy(at: place, slot, sinceVerdict: copy.since.duration(to: now))
                }
            case .rejected:
                outputs.append(.misbehaved(peer, .rejectedMessage(wire.topic)))
                charge([peer], wire.topic)
            case .ignored:
                break
            }
            return true
        }
        switch pending.standing(of: wire, key, from: peer) {
        case .new: return false
        case .copy(let id): if pending.addDuplicate(peer, to: id) { gater.noteDuplicate(peer) }
        // Not marked as seen: should it be the honest one, others bring it, too.
        case .rival: gater.noteDropped(at: now)
        }
        return true
    }

    mutating func verified(_ id: ValidationID, _ holds: Bool, at now: Instant, into outputs: inout [Output]) {
        guard let verifying = pending[id], verifying.phase == .verifying else { return }
        let peers = [verifying.message.source] + verifying.duplicates
        guard holds else {
            // The id is not marked as seen: it belongs to the honest message, not to this forgery of it.
            _ = pending.remove(id, in: .verifying)
            outputs.append(.misbehaved(verifying.message.source, .forgedSignature(verifying.wire.topic)))
            charge(peers, verifying.wire.topic)
            return
        }
        promises.settle(verifying.key.id)
        if log.contains(verifying.key) {
            // Another copy with the same id was faster.
            _ = pending.remove(id, in: .verifying)
            return
        }
        pending.beginValidating(id)
        outputs.append(.validate(id, verifying.message))
    }

    mutating func validated(_ id: ValidationID, _ verdict: Validation, at now: Instant, into outputs: inout [Output]) {
        guard let judged = pending.remove(id, in: .validating), !log.contains(judged.key) else { return }
        let (source, topic) = (judged.message.source, judged.wire.topic)
        switch verdict {
        case .accept:
            accept(judged, at: now, into: &outputs)
        case .reject:
            log.insert(judged.key, .rejected, at: now)
            outputs.append(.misbehaved(source, .rejectedMessage(topic)))
            charge([source] + judged.duplicates, topic)
        case .ignore(let isFinal):
            gater.noteIgnored(source)
            if isFinal { log.insert(judged.key, .ignored, at: now) }
        }
    }

    private mutating func accept(_ judged: PendingValidation, at now: Instant, into outputs: inout [Output]) {
        let (source, topic) = (judged.message.source, judged.wire.topic)
        var deliverers = PlaceSet()
        if let index = peers.index(forKey: source) { deliverers.insert(peers.values[index].place) }
        for peer in judged.duplicates {
            if let index = peers.index(forKey: peer) { deliverers.insert(peers.values[index].place) }
        }
        log.insert(judged.key, .accepted, judged.wire, deliverers: deliverers, at: now)
        gater.noteDelivered(source)
        scores.noteAccepted(in: topic)
        scores.creditFirstDelivery(source, topic)
        for peer in judged.duplicates { scores.creditCopy(peer, topic, sinceVerdict: nil) }
        guard let joined = topics.index(forKey: topic) else { return }
        if topics.values[joined].choked.contains(source) { setChoked(false, source, topic, joined, at: now) }
        let choking = topics.values[joined].choking
        var receivers = topics.values[joined].mesh
        if !floodsubPeers.isEmpty { receivers = receivers.union(floodsubReceivers(topic)) }
        // One RPC for all to whom nothing else is said in this step.
        let rpc = GossipRPC(messages: [judged.wire])
        let isAlone = outbox.isEmpty && rpc.messages[0].fieldByteCount <= RPCPacker.byteCountMax
        for peer in receivers where peer != judged.message.author && !choking.contains(peer) {
            guard let index = peers.index(forKey: peer), !deliverers.contains(peers.values[index].place),
                !peers.values[index].unwanted.contains(judged.key.id)
            else { continue }
            if isAlone && peers.values[index].stream == .flowing {
                outputs.append(.send(peer, rpc))
            } else {
                sayMessage(judged.wire, to: peer)
            }
        }
    }

    private func wants(_ peer: PeerID, _ id: MessageID) -> Bool {
        guard let index = peers.index(forKey: peer) else { return false }
        return !peers.values[index].unwanted.contains(id)
    }

    /// P4 for each of the peers.
    private mutating func charge(_ peers: [PeerID], _ topic: Topic) {
        for peer in peers {
            scores.chargeInvalid(peer, topic)
            gater.noteRejected(peer)
        }
    }

    // MARK: Publishing

    mutating func publish(
        _ data: [UInt8],
        _ content: (any GossipContent)?,
        in topic: Topic,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let policy = topics[topic]?.signatures ?? config.unjoinedTopic.signatures
        let (wire, id) = ownMessage(data, content, in: topic, policy: policy)
        let key = MessageKey(id: id, topic: topic)
        guard wire.fieldByteCount <= config.rpc.byteCountMax else {
            outputs.append(.publishRefused(topic, .tooLong))
            return
        }
        guard !log.contains(key) && !pending.contains(key) else {
            outputs.append(.publishRefused(topic, .duplicate))
            return
        }
        log.insert(key, .accepted, wire, at: now)
        scores.noteAccepted(in: topic)
        for peer in receiversOfOwn(topic, at: now) where wants(peer, id) { sayMessage(wire, to: peer) }
        outputs.append(.published(topic, id))
    }

    private mutating func ownMessage(
        _ data: [UInt8],
        _ content: (any GossipContent)?,
        in topic: Topic,
        policy: SignaturePolicy
    ) -> (wire: WireMessage, id: MessageID) {
        switch policy {
        case .strictNoSign:
            let id = MessageID.hashing(data)
            return (WireMessage(data: data, topic: topic, origin: MessageOrigin(id: id, content: content)), id)
        case .strictSign:
            var wire = WireMessage(data: data, topic: topic)
            sequence &+= 1
            let number = stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: sequence >> $0) }
            (wire.author, wire.sequence) = (identity.bytes, number)
            wire.signature = key.signature(of: wire.signedBytes)
            return (wire, .naming(author: identity.bytes, sequence: number))
        }
    }

    /// Who gets an own message at once: mesh or fanout and floodsub peers, then, when flooding, others at random up to the cap.
    private mutating func receiversOfOwn(_ topic: Topic, at now: Instant) -> PeerSet {
        let threshold = config.score.publishThreshold
        let subscribers = subscriberSet(of: topic).filter {
            scores.score(of: $0) >= threshold && isReachable($0)
        }
        var receivers = topics[topic]?.mesh ?? fanoutPeers(topic, of: subscribers, at: now)
        for peer in floodsubReceivers(topic) { receivers.insert(peer) }
        guard config.floodsOwnMessages else { return receivers }
        let others = subscribers.filter { !receivers.contains($0) }
        for peer in random.sample(others, config.floodCountMax - receivers.count) { receivers.insert(peer) }
        return receivers
    }

    private mutating func fanoutPeers(_ topic: Topic, of subscribers: [PeerID], at now: Instant) -> PeerSet {
        var entry = fanout.removeValue(forKey: topic) ?? FanoutTopic(lastPublished: now)
        entry.lastPublished = now
        let candidates = subscribers.filter { peers[$0]?.version.hasMesh == true && !entry.peers.contains($0) }
        for peer in random.sample(candidates, config.meshCount - entry.peers.count) { entry.peers.insert(peer) }
        // The order of the dictionary is the order of use.
        if fanout.count == config.fanoutTopicCountMax { fanout.removeFirst() }
        fanout[topic] = entry
        return entry.peers
    }

    /// The floodsub peers of a topic, which get all of its messages unless they are bad.
    private func floodsubReceivers(_ topic: Topic) -> [PeerID] {
        floodsubPeers.filter {
            peers[$0]?.topics.contains(topic) == true && scores.score(of: $0) >= config.score.publishThreshold
        }
    }
}
