public import Primitives

/// Agreement on one protocol for a fresh connection or stream: multistream-select 1.0.
///
/// Both sides say the header `/multistream/1.0.0`. The dialer then names a protocol; the listener echoes the name, which is
/// agreement, or says `na`, and the dialer may name another. The bytes behind the last word belong to the agreed protocol.
///
/// Pure: the owner feeds each input, carries out the outputs in order and has the deadline, which is the one of the whole
/// upgrade or of opening the stream; so this machine has none. Source: libp2p/specs, connections, "multistream-select".
public struct MultistreamMachine: Sendable {
    public enum Role: Hashable, Sendable {
        /// Names `proposals` in this order, at most `proposalCountMax` of them.
        ///
        /// Lazy: the header and the first name leave together, before the peer said a word, and the owner may write the
        /// protocol's own bytes right behind; it should, then, have a reason to expect agreement (the peer's identify message)
        /// and no second proposal, since a listener that refuses the first would take those bytes for words. Not lazy: the first
        /// name waits for the peer's header.
        case dialer(proposals: [String], isLazy: Bool)
        /// Accepts any name in `supported`.
        case listener(supported: [String])
    }

    public enum Input: Hashable, Sendable {
        case started
        case received([UInt8])
    }

    public enum Output: Hashable, Sendable {
        case send([UInt8])
        /// The end: both sides agree. `remainder` holds the protocol's own bytes that came right behind the negotiation.
        case negotiated(protocolName: String, remainder: [UInt8])
        /// The end: there is no agreement.
        case failed(MultistreamFailure)
    }

    private enum State: Hashable {
        /// Fresh. Goes to `awaitingHeader`.
        case idle
        /// The header is sent, the peer's has not come. Goes to `awaitingAnswer` or `awaitingProposal`.
        case awaitingHeader
        /// Dialer: the proposal with this index is sent.
        case awaitingAnswer(proposal: Int)
        /// Listener: so many proposals were refused.
        case awaitingProposal(refusals: Int)
        case ended
    }

    /// How many names one dialer may try: no libp2p node offers more alternatives for one purpose; go tries at most five.
    public static let proposalCountMax = 16

    private let role: Role
    private var state = State.idle
    private var tokens = LengthPrefixedFrames(byteCountMax: MultistreamToken.byteCountMax)

    /// Our own names must fit into a word each; a dialer has at least one.
    public init(role: Role) {
        switch role {
        case .dialer(let proposals, _):
            precondition((1...Self.proposalCountMax).contains(proposals.count), "\(proposals.count) proposals")
            precondition(proposals.allSatisfy(MultistreamToken.canCarry), "a name that no word carries: \(proposals)")
        case .listener(let supported):
            precondition(supported.allSatisfy(MultistreamToken.canCarry), "a name that no word carries: \(supported)")
        }
        self.role = role
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch (state, input) {
        case (.idle, .started):
            start(into: &outputs)
        case (.awaitingHeader, .received(let bytes)),
            (.awaitingAnswer, .received(let bytes)),
            (.awaitingProposal, .received(let bytes)):
            received(bytes, into: &outputs)
        case (.ended, .received):
            break  // The tail of a stream that is closing.
        case (.idle, .received):
            preconditionFailure("fed before it was started")
        case (.awaitingHeader, .started), (.awaitingAnswer, .started), (.awaitingProposal, .started),
            (.ended, .started):
            preconditionFailure("started twice")
        }
        checkInvariants()
    }

    /// Stops a debug build if the machine holds more than one incomplete word, or anything once it has ended.
    public func checkInvariants() {
        let limit = state == .ended ? 0 : MultistreamToken.byteCountMax + 1
        assert(tokens.pendingByteCount <= limit, "\(tokens.pendingByteCount) bytes pending in \(state)")
    }

    /// The header leaves at once in either role: a peer that goes step by step waits for it before it names anything.
    private mutating func start(into outputs: inout [Output]) {
        var greeting: [UInt8] = []
        MultistreamToken.append(MultistreamToken.header, to: &greeting)
        if case .dialer(let proposals, isLazy: true) = role {
            MultistreamToken.append(proposals[0].utf8, to: &greeting)
        }
        state = .awaitingHeader
        outputs.append(.send(greeting))
    }

    private mutating func received(_ bytes: [UInt8], into outputs: inout [Output]) {
        tokens.append(bytes)
        do throws(MultistreamFailure) {
            while let token = try nextToken() {
                guard let name = try received(word: MultistreamToken.word(of: token), into: &outputs) else { continue }
                // Before these bytes came no word was whole, so the last word ends among them and the rest is theirs too.
                let remainder = Array(bytes.suffix(tokens.pendingByteCount))
                end(.negotiated(protocolName: name, remainder: remainder), into: &outputs)
                return
            }
        } catch {
            end(.failed(error), into: &outputs)
        }
    }

    private mutating func nextToken() throws(MultistreamFailure) -> [UInt8]? {
        do throws(LengthPrefixedFrames.Failure) {
            return try tokens.next()
        } catch {
            switch error {
            case .malformedLength(let reason): throw .malformedLength(reason)
            case .messageTooLong: throw .tokenTooLong
            }
        }
    }

    /// Takes one word of the peer; gives the protocol's name once there is agreement.
    private mutating func received(
        word: ArraySlice<UInt8>,
        into outputs: inout [Output]
    ) throws(MultistreamFailure) -> String? {
        switch (state, role) {
        case (.awaitingHeader, _):
            guard word.elementsEqual(MultistreamToken.header) else { throw .wrongHeader }
            receivedHeader(into: &outputs)
            return nil
        case (.awaitingAnswer(let proposal), .dialer(let proposals, _)):
            return try receivedAnswer(word, to: proposal, of: proposals, into: &outputs)
        case (.awaitingProposal(let refusals), .listener(let supported)):
            return try receivedProposal(word, refusals: refusals, supported: supported, into: &outputs)
        case (.idle, _), (.awaitingAnswer, .listener), (.awaitingProposal, .dialer), (.ended, _):
            preconditionFailure("a word in state \(state) of \(role)")
        }
    }

    private mutating func receivedHeader(into outputs: inout [Output]) {
        switch role {
        case .dialer(let proposals, let isLazy):
            state = .awaitingAnswer(proposal: 0)
            if !isLazy { send(proposals[0].utf8, into: &outputs) }
        case .listener:
            state = .awaitingProposal(refusals: 0)
        }
    }

    private mutating func receivedAnswer(
        _ word: ArraySlice<UInt8>,
        to proposal: Int,
        of proposals: [String],
        into outputs: inout [Output]
    ) throws(MultistreamFailure) -> String? {
        if word.elementsEqual(proposals[proposal].utf8) { return proposals[proposal] }
        guard word.elementsEqual(MultistreamToken.notAvailable) else { throw .unexpectedAnswer }
        let next = proposal + 1
        guard next < proposals.count else { throw .noCommonProtocol }
        state = .awaitingAnswer(proposal: next)
        send(proposals[next].utf8, into: &outputs)
        return nil
    }

    /// `ls`, the old question for all names, is a name that nobody supports, so its answer is `na`, as in go.
    private mutating func receivedProposal(
        _ word: ArraySlice<UInt8>,
        refusals: Int,
        supported: [String],
        into outputs: inout [Output]
    ) throws(MultistreamFailure) -> String? {
        if let name = supported.first(where: { word.elementsEqual($0.utf8) }) {
            send(name.utf8, into: &outputs)
            return name
        }
        guard refusals < Self.proposalCountMax else { throw .tooManyProposals }
        state = .awaitingProposal(refusals: refusals + 1)
        send(MultistreamToken.notAvailable, into: &outputs)
        return nil
    }

    private func send(_ word: some Collection<UInt8>, into outputs: inout [Output]) {
        var token: [UInt8] = []
        MultistreamToken.append(word, to: &token)
        outputs.append(.send(token))
    }

    private mutating func end(_ output: Output, into outputs: inout [Output]) {
        state = .ended
        tokens = LengthPrefixedFrames(byteCountMax: MultistreamToken.byteCountMax)
        outputs.append(output)
    }
}
