internal import Cryptography
internal import Identify
internal import Identity
internal import OrderedCollections
internal import Ping
internal import Primitives

// Who is who: every new connection is asked, everybody may ask us, and both sides tell what has changed.
extension SwarmMachine {
    /// What we accept streams for, on every connection.
    var supportedProtocols: [String] {
        [IdentifyMessage.protocolName, IdentifyMessage.pushProtocolName, PingMachine.protocolName]
            + applicationProtocols
    }

    /// How many protocols peers may open streams for.
    public var protocolCount: Int { supportedProtocols.count }

    mutating func setProtocols(_ protocols: [String], at now: Instant) {
        guard protocols != applicationProtocols else { return }
        applicationProtocols = protocols
        let supported = supportedProtocols
        for id in Array(connections.keys) { connections[id]?.machine?.supported = supported }
        describeAnew(at: now)
    }

    /// Something that peers should know has changed: they hear of it a moment later, in case more changes with it.
    func pushInstant(at now: Instant) -> Instant {
        let soon = now.advanced(by: config.identify.pushDelay)
        return max(soon, lastPush?.advanced(by: config.identify.pushInterval) ?? soon)
    }

    mutating func describeAnew(at now: Instant) {
        ownDescription.changed()
        guard phase == .running else { return }
        pushAt = pushAt ?? pushInstant(at: now)
    }

    // MARK: Asking

    mutating func askIdentify(on id: ConnectionID, at now: Instant) {
        let use = SwarmStream.Use.asking(IdentifyReader())
        // Lazily: a libp2p node that does not speak identify does not exist.
        guard case .success(let stream) = open([IdentifyMessage.protocolName], on: id, isLazy: true, use, at: now)
        else { return }
        streamTimers.arm(stream, at: now.advanced(by: config.identify.timeout))
    }

    mutating func startHearingPush(_ stream: StreamHandle, of peer: PeerID, at now: Instant) {
        guard connectedPeers[peer]?.pushes.take(at: now) == true else {
            return drive(stream.connection, .reset(stream.stream), at: now)
        }
        setUse(of: stream, .hearingPush(IdentifyReader()))
        streamTimers.arm(stream, at: now.advanced(by: config.identify.timeout))
    }

    mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        by reader: IdentifyReader,
        isPush: Bool,
        at now: Instant
    ) {
        var reader = reader
        do throws(IdentifyError) {
            try reader.receive(bytes)
            setUse(of: stream, isPush ? .hearingPush(reader) : .asking(reader))
        } catch {
            drive(stream.connection, .reset(stream.stream), at: now)
        }
    }

    /// The peer has said all: our side closes too, and what was said is believed as far as it can be.
    mutating func identified(
        by reader: IdentifyReader,
        on stream: StreamHandle,
        isPush: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        drive(stream.connection, .closeWrite(stream.stream), at: now)
        guard let peer = connections[stream.connection]?.peer, let state = connectedPeers[peer],
            let source = connections[stream.connection]?.remote.address,
            let part = try? reader.finished().validated(for: peer)
        else { return }
        if isPush { counters.pushed.inbound += 1 } else { counters.identified.inbound += 1 }
        let message = isPush ? (state.identifyMessage ?? IdentifyMessage()).updated(by: part) : part
        var record = message.signedPeerRecord
        if let envelope = record, !addressBook.confirm(envelope, of: peer, learnedFrom: source, at: now) {
            record = nil
        }
        if record == nil { addressBook.add(message.listenAddresses, of: peer, learnedFrom: source, at: now) }
        let description = PeerDescription(
            protocolVersion: message.protocolVersion ?? "",
            agentVersion: message.agentVersion ?? "",
            protocols: message.protocols,
            listenAddresses: message.listenAddresses,
            observedAddress: message.observedAddress,
            signedPeerRecord: record
        )
        connectedPeers[peer]?.identifyMessage = message
        connectedPeers[peer]?.description = description
        if let address = message.observedAddress { observed.observed(address, by: peer, at: source) }
        outputs.append(.identified(peer, description))
        updateAddresses(at: now, into: &outputs)
        if state.toldRevision != 0 && state.toldRevision != ownDescription.revision {
            pushAt = pushAt ?? pushInstant(at: now)
        }
        ping(peer, at: now)
    }

    // MARK: Telling

    mutating func answerIdentify(_ stream: StreamHandle, at now: Instant) {
        guard let peer = connections[stream.connection]?.peer else { return }
        connectedPeers[peer]?.toldRevision = ownDescription.revision
        counters.identified.outbound += 1
        tell(on: stream, .answered, at: now)
    }

    /// Tells every peer that takes pushes and has not heard the newest.
    mutating func push(at now: Instant, into outputs: inout [Output]) {
        pushAt = nil
        lastPush = now
        for peer in Array(connectedPeers.keys) {
            guard let state = connectedPeers[peer], let description = state.description,
                state.toldRevision != ownDescription.revision,
                description.protocols.contains(IdentifyMessage.pushProtocolName),
                case .success(let stream) = open(
                    [IdentifyMessage.pushProtocolName],
                    to: peer,
                    isLazy: true,
                    .pushing,
                    at: now
                )
            else { continue }
            connectedPeers[peer]?.toldRevision = ownDescription.revision
            counters.pushed.outbound += 1
            tell(on: stream, .pushing, at: now)
        }
    }

    private mutating func tell(on stream: StreamHandle, _ use: SwarmStream.Use, at now: Instant) {
        setUse(of: stream, use)
        streamTimers.arm(stream, at: now.advanced(by: config.identify.timeout))
        drive(
            stream.connection,
            .write(stream.stream, ownMessage(on: stream.connection, at: now).encodedFrames()),
            at: now
        )
        drive(stream.connection, .closeWrite(stream.stream), at: now)
    }

    private mutating func ownMessage(on id: ConnectionID, at now: Instant) -> IdentifyMessage {
        var message = IdentifyMessage()
        message.protocolVersion = config.protocolVersion
        message.agentVersion = config.agentVersion
        message.publicKey = KeyCodec.encode(identity.publicKey)
        message.listenAddresses = ownDescription.addresses
        message.protocols = supportedProtocols
        message.observedAddress = connections[id].map { Multiaddr(endpoint: $0.remote) }
        let wall = clockOffset.map { $0 + now.nanoseconds / 1_000_000 }
        message.signedPeerRecord = ownDescription.signedRecord(of: peer, by: identity, unixMilliseconds: wall)
        return message
    }
}
