public import Identity
internal import OrderedCollections
public import Primitives

/// Finds libp2p peers on the local network, and lets them find us, without any other peer (libp2p/specs, discovery/mdns).
///
/// It asks for `_p2p._udp.local` at the start, then ever more rarely; whoever hears that answers with a name of its own choice and,
/// below it, its addresses as `dnsaddr=<multiaddr>`. Everybody on the LAN hears both, and learns who runs here; nothing leaves it, for
/// routers do not pass link-local multicast on.
///
/// Pure: the owner sends what `send` says to the groups, feeds every datagram that came to them, and arms one timer.
public struct MulticastDNSMachine: Sendable {
    public enum Input: Sendable {
        case started
        /// Where we can be reached, whole, without our peer id.
        case ownAddresses([Multiaddr])
        /// A datagram, and the host that sent it.
        case received([UInt8], from: IPAddress)
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        /// Send to both groups.
        case send([UInt8])
        /// A peer on this network says where it can be reached; at most once a minute each.
        case found(PeerID, [Multiaddr], from: IPAddress)
    }

    /// The group's port and addresses (RFC 6762, 3).
    public static let port: UInt16 = 5353
    public static let groups = [[224, 0, 0, 251], [0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfb]]
        .compactMap { IPAddress($0) }

    static let service = DomainName("_p2p", "_udp", "local")
    /// Whoever asks which services there are (RFC 6763, 9).
    static let services = DomainName("_services", "_dns-sd", "_udp", "local")
    static let textPrefix = Array("dnsaddr=".utf8)
    /// How long an answer may be believed.
    static let lifetimeSeconds: UInt32 = 120
    /// The first question waits a little, lest machines that start together ask together; the next ones come at twice the distance
    /// (RFC 6762, 5.2).
    static let firstQuestionDelay = Duration.milliseconds(100)
    static let questionIntervalMin = Duration.seconds(1)
    static let questionIntervalMax = Duration.seconds(60)
    /// Answers wait as long, and come no more often than once a second (RFC 6762, 6).
    static let answerDelay = Duration.milliseconds(70)
    static let answerInterval = Duration.seconds(1)
    /// Addresses that we tell.
    static let addressCountMax = 16
    /// Peers that were told of and are not told of again for a while; beyond, new ones are not told of either.
    static let foundCountMax = 256
    static let foundInterval = Duration.seconds(60)

    private let own: PeerID
    private let name: DomainName
    /// Of our machine, below which the addresses stand.
    private let host: DomainName
    private var random: SeededRandom
    private var addresses: [Multiaddr] = []
    private var questionAt: Instant?
    private var questionInterval = questionIntervalMin
    private var answerAt: Instant?
    private var answersServices = false
    private var answeredAt: Instant?
    private var found: OrderedDictionary<PeerID, Instant> = [:]

    /// The name under which we answer is drawn anew, so that it tells nothing.
    public init(own: PeerID, random: SeededRandom) {
        var random = random
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let label = (0..<32).map { _ in letters[random.below(letters.count)] }
        guard let name = DomainName(labels: [label] + Self.service.labels),
            let host = DomainName(labels: [label] + Self.service.labels.suffix(1))
        else { preconditionFailure("a label of 32 letters is within its bound") }
        (self.own, self.name, self.host, self.random) = (own, name, host, random)
    }

    public var nextDeadline: Instant? { earliest(questionAt, answerAt) }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started: questionAt = now.advanced(by: random.jittered(Self.firstQuestionDelay, by: 0.8))
        case .ownAddresses(let addresses): self.addresses = Array(addresses.prefix(Self.addressCountMax))
        case .received(let bytes, let source):
            guard let message = try? DNSMessage(parsing: bytes) else { return }
            if message.isResponse {
                heard(message, from: source, at: now, into: &outputs)
            } else {
                asked(message, at: now)
            }
        case .deadlineReached: expire(at: now, into: &outputs)
        }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        if let due = questionAt, due <= now {
            let question = DNSMessage.Question(name: Self.service, type: DNSMessage.pointerType)
            outputs.append(.send(DNSMessage(isResponse: false, questions: [question]).encoded))
            questionAt = now.advanced(by: random.jittered(questionInterval, by: 0.2))
            questionInterval = min(questionInterval * 2, Self.questionIntervalMax)
        }
        if let due = answerAt, due <= now {
            (answerAt, answeredAt) = (nil, now)
            if let answer { outputs.append(.send(answer)) }
            answersServices = false
        }
    }

    // MARK: Answering

    private mutating func asked(_ message: DNSMessage, at now: Instant) {
        let types = [DNSMessage.pointerType, DNSMessage.anyType]
        // Many tools pass over additional records and ask for each thing by its name (libp2p/specs, discovery/mdns, "Gotchas").
        let asksForPeers = message.questions.contains { question in
            question.name == name || question.name == host
                || question.name == Self.service && types.contains(question.type)
        }
        let asksForServices = message.questions.contains { $0.name == Self.services && types.contains($0.type) }
        guard asksForPeers || asksForServices else { return }
        if asksForServices { answersServices = true }
        guard answerAt == nil else { return }
        let soon = now.advanced(by: random.jittered(Self.answerDelay, by: 0.7))
        answerAt = answeredAt.map { max(soon, $0.advanced(by: Self.answerInterval)) } ?? soon
    }

    /// Peers read the texts alone; the port and the addresses are for tools that know services, not libp2p, and for peers that
    /// follow an older specification.
    private var answer: [UInt8]? {
        let texts = addresses.map { Self.textPrefix + Array($0.with(peer: own).description.utf8) }
            .filter { $0.count <= 255 }
        guard !texts.isEmpty else { return nil }
        func record(_ name: DomainName, _ content: DNSMessage.Record.Content) -> DNSMessage.Record {
            DNSMessage.Record(name: name, content: content, seconds: Self.lifetimeSeconds)
        }
        var records = answersServices ? [record(Self.services, .pointer(Self.service))] : []
        records += [record(Self.service, .pointer(name)), record(name, .texts(texts))]
        let endpoints = addresses.compactMap(\.tcpEndpoint)
        if let port = endpoints.first?.port {
            records.append(record(name, .service(port: port, host: host)))
            let hosts = OrderedSet(endpoints.lazy.filter { $0.port == port }.map(\.address))
            records += hosts.map { record(host, .address($0)) }
        }
        return DNSMessage(isResponse: true, records: records).encoded
    }

    // MARK: Hearing

    /// Texts count if a pointer of the same message leads to their name; relayed and far addresses do not lead into this network,
    /// but a peer may tell them.
    private mutating func heard(
        _ message: DNSMessage,
        from source: IPAddress,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        // Off-link senders must not speak for this network (RFC 6762, 11).
        guard source.scope.map({ $0 < .global }) == true else { return }
        let names = message.records.compactMap { record -> DomainName? in
            guard record.name == Self.service, case .pointer(let name) = record.content else { return nil }
            return name
        }
        for record in message.records where names.contains(record.name) {
            guard case .texts(let texts) = record.content else { continue }
            let told = texts.compactMap(Self.address)
            guard let peer = told.lazy.compactMap(\.peerID).first, peer != own else { continue }
            let usable = told.filter { $0.peerID == peer && $0.isDialable(learnedFrom: source) }.map(\.withoutPeer)
            // What leads nowhere uses up nobody's turn.
            guard !usable.isEmpty, mayTell(of: peer, at: now) else { continue }
            outputs.append(.found(peer, usable, from: source))
        }
    }

    private static func address(_ text: [UInt8]) -> Multiaddr? {
        guard text.starts(with: textPrefix),
            let words = String(validating: text.dropFirst(textPrefix.count), as: UTF8.self)
        else { return nil }
        return try? Multiaddr(text: words)
    }

    private mutating func mayTell(of peer: PeerID, at now: Instant) -> Bool {
        if let since = found[peer], since.advanced(by: Self.foundInterval) > now { return false }
        found[peer] = nil
        while let first = found.elements.first, first.value.advanced(by: Self.foundInterval) <= now {
            found.removeFirst()
        }
        guard found.count < Self.foundCountMax else { return false }
        found[peer] = now
        return true
    }

    public func checkInvariants() {
        precondition(found.count <= Self.foundCountMax && addresses.count <= Self.addressCountMax)
    }
}
