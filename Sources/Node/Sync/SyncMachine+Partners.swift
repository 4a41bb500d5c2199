internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives

// Who is asked, and when.
extension SyncMachine {
    mutating func add(_ peer: PeerID, isOutbound: Bool) {
        guard partners[peer] == nil else { return }
        partners[peer] = Partner(isOutbound: isOutbound)
        // A run goes both ways: one of the two begins.
        if isOutbound { enqueue(.compare(.whole), to: peer) }
    }

    mutating func meshed(_ peer: PeerID, _ isMeshed: Bool) {
        guard let partner = partners[peer] else { return }
        partners[peer]?.isMeshed = isMeshed
        guard isMeshed, !partner.wasMeshed else { return }
        partners[peer]?.wasMeshed = true
        // What was published between the first run and the first mesh went past us.
        if partner.isOutbound { enqueue(.compare(.whole), to: peer) }
    }

    mutating func disconnected(_ peer: PeerID, _ view: View, into outputs: inout [Output]) {
        let errands = waiting.removeValue(forKey: peer) ?? []
        if runs[peer] != nil { finish(peer, .disconnected, view, into: &outputs) }
        for errand in errands {
            if case .author(_, isOwn: true) = errand { outputs.append(.toldOwn(peer)) }
            if let id = errand.query { outputs.append(.searched(peer, id, nil)) }
        }
        if let stream = partners[peer]?.stream { askers[stream] = nil }
        partners[peer] = nil
        opening.removeAll { $0.value == peer }
        served.removeAll { $0.value.peer == peer }
        // A spent allowance outlives the connection, or reconnecting would renew it.
        allowances.removeAll { $0.value.isFull(at: view.now) }
    }

    /// Notes what a peer is to be asked for, unless it waits for the same already.
    mutating func enqueue(_ errand: SyncErrand, to peer: PeerID) {
        guard partners[peer] != nil, waiting[peer] != nil || waiting.count < SyncLimits.waitingCountMax else { return }
        var errands = waiting[peer] ?? []
        guard !errands.contains(errand), errands.count < SyncLimits.errandsPerPeerMax else { return }
        errands.append(errand)
        waiting[peer] = errands
    }

    /// Begins what waits, longest waiting first, one after the other: the first run brings most of what the next would.
    mutating func beginWaiting(_ view: View, into outputs: inout [Output]) {
        waitingUntil = nil
        while runs.count < SyncLimits.runCountMax, let peer = waiting.keys.first(where: { runs[$0] == nil }) {
            // Somebody waits for a search.
            let isSearch = waiting[peer]?.first?.query != nil
            if !isSearch, !runs.isEmpty, let until = schedule.staggeredUntil, until > view.now {
                waitingUntil = until
                return
            }
            guard var errands = waiting[peer], let errand = errands.first else { return }
            errands.removeFirst()
            waiting[peer] = errands.isEmpty ? nil : errands
            begin(errand, with: peer, view, into: &outputs)
        }
    }

    mutating func expire(_ view: View, into outputs: inout [Output]) {
        for (peer, run) in runs.elements where run.deadline <= view.now {
            dropStream(of: peer, into: &outputs)
            finish(peer, .timedOut, view, into: &outputs)
        }
        refused.forgetDue(at: view.now)
        for lack in lacks.takeDue(at: view.now) { askForOffers(of: lack.provider, in: lack.marketClass, view) }
        if schedule.takeTurn(at: view.now, random: &random) { takeTurn(view, into: &outputs) }
    }

    /// A presence speaks of offers that we still lack: its provider knows them best, anybody may know them.
    private mutating func askForOffers(
        of provider: Ed25519.PublicKey,
        in marketClass: MarketClass,
        _ view: View
    ) {
        guard view.book.lacksOffers(of: provider, in: marketClass, at: view.unixMilliseconds) else { return }
        let direct = PeerID(publicKey: provider)
        let others = eligible(at: view.now)
        guard let somebody = others.isEmpty ? nil : others[random.below(others.count)] else { return }
        enqueue(.author(provider, isOwn: false), to: partners[direct] == nil ? somebody : direct)
    }

    private mutating func takeTurn(_ view: View, into outputs: inout [Output]) {
        guard runs.count < SyncLimits.runCountMax, let peer = nextPeer(at: view.now) else { return }
        let scope = schedule.scope(at: view.now)
        begin(.compare(scope), with: peer, view, into: &outputs)
    }

    /// The next mesh peer in turn, or somebody else at random.
    private mutating func nextPeer(at now: Instant) -> PeerID? {
        let free = eligible(at: now)
        let others = free.filter { partners[$0]?.isMeshed == false }
        if schedule.isForStranger, !others.isEmpty { return others[random.below(others.count)] }
        let count = partners.count
        for step in 0..<count {
            let place = (schedule.lastPlace + 1 + step) % count
            let (peer, partner) = partners.elements[place]
            guard partner.isMeshed, isFree(peer, partner, at: now) else { continue }
            schedule.lastPlace = place
            return peer
        }
        return others.isEmpty ? nil : others[random.below(others.count)]
    }

    private func eligible(at now: Instant) -> [PeerID] {
        partners.elements.filter { isFree($0.key, $0.value, at: now) }.map(\.key)
    }

    private func isFree(_ peer: PeerID, _ partner: Partner, at now: Instant) -> Bool {
        guard runs[peer] == nil, waiting[peer] == nil else { return false }
        if let until = partner.restsUntil, until > now { return false }
        if let served = partner.servedAt, served.advanced(by: SyncLimits.servedRest) > now { return false }
        return true
    }
}
