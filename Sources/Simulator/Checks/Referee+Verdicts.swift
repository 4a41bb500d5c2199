internal import Identity
internal import Market
public import Primitives

// The end: what was expected, what was found.
extension Referee {
    /// Whether an invariant has failed.
    public var hasFailed: Bool { checks.verdicts.hasFailed }

    /// Whether a first failure waits for the last events before it.
    public var wantsEvents: Bool { checks.verdicts.wantsEvents }

    public mutating func attach(lastEvents: [String]) { checks.verdicts.attach(lastEvents) }

    /// What became of each closed publication, if it was asked for.
    public var publications: [PublicationSample] { ledger.samples }

    /// Every invariant and every expectation, in the order of the scenario.
    ///
    /// `honestReceivedByteCount` is what honest nodes received in the measured time.
    public mutating func finish(
        witness: inout some Witness,
        honestReceivedByteCount: Int,
        at now: Instant
    ) -> [Verdict] {
        ledger.advance(to: now)
        var verdicts = checks.verdicts.verdicts
        for expectation in scenario.expectations {
            switch expectation {
            case .delivery(let share, let within): verdicts.append(delivery(atLeast: share, within: within))
            case .latency(let percentile, let within): verdicts.append(latency(percentile, within: within))
            case .equalSets(let within): verdicts.append(equalSets(within: within, at: now))
            case .completeListings: verdicts.append(completeListings(&witness, at: now))
            case .overhead(let hundredths):
                verdicts.append(overhead(atMost: hundredths, receivedByteCount: honestReceivedByteCount))
            case .contained(let share): verdicts.append(contained(atLeast: share, &witness))
            case .conflictsKnown(let within): verdicts.append(conflictsKnown(within: within, at: now))
            case .proofsKnown(let share, let within): verdicts.append(proofsKnown(to: share, within: within, at: now))
            case .leasesComplete(let share): verdicts.append(leasesComplete(atLeast: share, at: now))
            case .searchesComplete(let share): verdicts.append(searchesComplete(atLeast: share))
            case .lookupsSucceed(let share): verdicts.append(lookupsSucceed(atLeast: share))
            case .honestCompany(let share): verdicts.append(honestCompany(atLeast: share))
            case .reflectedDials(let limit): verdicts.append(reflectedDials(atMost: limit))
            case .sometimes(let occurrence): verdicts.append(sometimes(occurrence))
            }
        }
        return verdicts
    }

    /// Totals by stable name.
    public var metrics: [Metric] {
        var metrics = [
            Metric("publications_total", Double(ledger.publicationCount)),
            Metric("deliveries_total", Double(ledger.deliveryCount)),
        ]
        if let limit = ledger.limits.last, limit.pairCount > 0 {
            metrics.append(Metric("delivery_ratio", Double(limit.reachedCount) / Double(limit.pairCount)))
        }
        for (name, percentile) in [("p50", 5_000), ("p90", 9_000), ("p99", 9_900), ("p999", 9_990)] {
            guard let latency = ledger.latency(percentile: percentile) else { continue }
            metrics.append(Metric("delivery_latency_\(name)_seconds", latency / .seconds(1)))
        }
        if let equalAt = agreement.equalAt {
            metrics.append(Metric("equal_sets_seconds", agreement.from.duration(to: equalAt) / .seconds(1)))
        }
        metrics.append(Metric("records_total", Double(registry.entries.count)))
        metrics.append(Metric("conflicts_total", Double(conflicts.conflicts.count)))
        if !proofs.culprits.isEmpty { metrics.append(Metric("double_bookers_total", Double(proofs.culprits.count))) }
        if !leases.order.isEmpty {
            metrics.append(Metric("leases_total", Double(leases.order.count)))
            metrics.append(
                Metric("leases_countersigned_total", Double(leases.leases.values.count(where: \.isCountersigned)))
            )
        }
        if searches.count > 0 {
            metrics.append(Metric("searches_total", Double(searches.count)))
            metrics.append(Metric("searches_complete_total", Double(searches.completeCount)))
            metrics.append(Metric("search_replicas_total", Double(searches.replicaCount)))
            metrics.append(Metric("search_omitters_total", Double(searches.omitterCount)))
        }
        metrics += lookups.metrics
        if company.count > 0 {
            metrics.append(Metric("honest_company_ratio", Double(company.keptCount) / Double(company.count)))
        }
        if reflections.count > 0 {
            metrics.append(Metric("reflected_dials_total", Double(reflections.count)))
            metrics.append(Metric("reflected_dials_per_minute_max", Double(reflections.most)))
        }
        for occurrence in Occurrence.allCases {
            let name = occurrence.rawValue.map { $0 == "-" ? "_" : $0 }
            metrics.append(Metric("occurred_\(String(name))_total", Double(occurrences.count(of: occurrence))))
        }
        return metrics
    }

    // MARK: Each expectation

    private static let noDelivery = "no publication could be judged"

    /// What was counted against this limit; `nil` if nothing was.
    private func deliveries(within: Duration) -> DeliveryLedger.Limit? {
        ledger.limits.first { $0.within == within && $0.pairCount > 0 }
    }

    private func delivery(atLeast share: Share, within: Duration) -> Verdict {
        let name = "delivery: \(share.phrase) within \(within.phrase)"
        guard let limit = deliveries(within: within) else { return Verdict(unjudged: name, Self.noDelivery) }
        let reached = Share(limit.reachedCount, of: limit.pairCount)
        let finding =
            "\(reached.phrase) of \(limit.pairCount) deliveries within \(within.phrase) (need \(share.phrase))"
        let failure = limit.firstMiss.map { Verdict.Failure(at: $0.at, node: $0.node, lastEvents: []) }
        return Verdict(
            name: name,
            isPassed: reached >= share,
            finding: finding,
            failure: reached >= share ? nil : failure
        )
    }

    private func latency(_ percentile: Int, within: Duration) -> Verdict {
        let rank = "p\(decimal(Int64(percentile), places: 2, shown: 2))"
        let name = "latency: \(rank) within \(within.phrase)"
        guard let limit = deliveries(within: within) else { return Verdict(unjudged: name, Self.noDelivery) }
        // Counted, not read off the histogram, whose buckets end up to a hundredth later than what is in them.
        let isPassed = limit.reachedCount * 10_000 >= limit.pairCount * percentile
        let reached = Share(limit.reachedCount, of: limit.pairCount)
        let found = ledger.latency(percentile: percentile).map { "about \($0.phrase)" } ?? "never"
        let finding = "\(reached.phrase) of \(limit.pairCount) deliveries within \(within.phrase), \(rank) \(found)"
        let failure = isPassed ? nil : limit.firstMiss.map { Verdict.Failure(at: $0.at, node: $0.node, lastEvents: []) }
        return Verdict(name: name, isPassed: isPassed, finding: finding, failure: failure)
    }

    private func equalSets(within: Duration, at now: Instant) -> Verdict {
        let name = "equal-sets: within \(within.phrase)"
        guard registry.entries.contains(where: \.isCompared) else {
            let finding = "no honest node said anything in the measured time that could be compared"
            return Verdict(unjudged: name, finding)
        }
        guard let equalAt = agreement.equalAt else {
            let waited = agreement.from.duration(to: now).phrase
            let finding = "\(agreement.distinctSets) different sets \(waited) after the last fault (need 1)"
            let failure = Verdict.Failure(at: now, node: agreement.dissenter, lastEvents: [])
            return Verdict(name: name, isPassed: false, finding: finding, kind: "unequal", failure: failure)
        }
        let taken = agreement.from.duration(to: equalAt)
        let finding = "equal \(taken.phrase) after the last fault (need \(within.phrase))"
        let failure = taken <= within ? nil : Verdict.Failure(at: equalAt, node: nil, lastEvents: [])
        return Verdict(name: name, isPassed: taken <= within, finding: finding, kind: "late", failure: failure)
    }

    /// The newest word of every honest live provider on each of its offers must be in every honest live book; what is still on its way
    /// is not asked for.
    private func completeListings(_ witness: inout some Witness, at now: Instant) -> Verdict {
        let providers = Set(nodes.filter { $0.isHonest && $0.upSince != nil }.map(\.key))
        let settled = now.advanced(by: .zero - Agreement.grace)
        let readers = nodes.indices.filter { nodes[$0].isHonest && (nodes[$0].upSince ?? now) < settled }
        var (offerCount, missing, first): (Int, Int, Int?) = (0, 0, nil)
        for subject in 0..<registry.subjectCount where registry.touchedAt[subject] < settled {
            let newest = registry.heldRecords(about: subject).max { registry[$0].sequence < registry[$1].sequence }
            guard let number = newest, registry[number].kind == .offer, providers.contains(registry[number].author)
            else {
                continue
            }
            offerCount += 1
            for node in readers where !witness.holds(registry[number].id, node: node) {
                missing += 1
                first = first ?? node
            }
        }
        let finding = "\(offerCount) offers in \(readers.count) books, \(missing) missing"
        let failure = first.map { Verdict.Failure(at: now, node: $0, lastEvents: []) }
        return Verdict(
            name: "complete-listings",
            isPassed: missing == 0 && offerCount > 0,
            finding: finding,
            kind: offerCount > 0 ? nil : Verdict.unjudged,
            failure: failure
        )
    }

    private func overhead(atMost hundredths: Int, receivedByteCount: Int) -> Verdict {
        let limit = decimal(Int64(hundredths), places: 2, shown: 2)
        guard usefulByteCount > 0 else {
            return Verdict(unjudged: "overhead: \(limit)", "nothing was delivered")
        }
        let found = receivedByteCount * 100 / usefulByteCount
        let finding = "\(decimal(Int64(found), places: 2, shown: 2)) times one copy of everything (need \(limit))"
        return Verdict(name: "overhead: \(limit)", isPassed: found <= hundredths, finding: finding)
    }

    private func contained(atLeast share: Share, _ witness: inout some Witness) -> Verdict {
        let adversaries = nodes.indices.filter { !nodes[$0].isHonest && nodes[$0].upSince != nil }
        var free: [Int] = []
        for adversary in adversaries {
            let peer = PeerID(publicKey: nodes[adversary].key)
            let isFree = nodes.indices.contains { node in
                nodes[node].isHonest && nodes[node].upSince != nil
                    && witness.connectedPeers(of: node).contains(peer)
                    && witness.score(of: peer, at: node) >= checks.graylistThreshold
            }
            if isFree { free.append(adversary) }
        }
        let found = Share(adversaries.count - free.count, of: adversaries.count)
        return Verdict(
            name: "contained: \(share.phrase)",
            isPassed: found >= share && !adversaries.isEmpty,
            finding:
                "\(adversaries.count - free.count) of \(adversaries.count) adversaries contained (need \(share.phrase))",
            kind: adversaries.isEmpty ? Verdict.unjudged : nil
        )
    }

    /// There must have been one whose time is over: a scenario in which nobody contradicts himself proves nothing.
    private func conflictsKnown(within: Duration, at now: Instant) -> Verdict {
        let due = conflicts.conflicts.filter { $0.since.advanced(by: within) <= now }
        let late = due.filter { ($0.knownAt ?? .distantFuture) > $0.since.advanced(by: within) }
        let slowest = due.compactMap { conflict in conflict.knownAt.map { conflict.since.duration(to: $0) } }.max()
        let finding =
            "\(due.count - late.count) of \(due.count) conflicts known in time, slowest \(slowest?.phrase ?? "none")"
        let failure = late.first.map { Verdict.Failure(at: $0.since, node: $0.ignorant, lastEvents: []) }
        return Verdict(
            name: "conflicts-known: within \(within.phrase)",
            isPassed: late.isEmpty && !due.isEmpty,
            finding: finding,
            kind: due.isEmpty ? Verdict.unjudged : nil,
            failure: failure
        )
    }

    /// There must have been one: a scenario in which nobody leases twice proves nothing.
    private func proofsKnown(to share: Share, within: Duration, at now: Instant) -> Verdict {
        let due = proofs.culprits.filter { $0.since.advanced(by: within) <= now }
        let late = due.filter { ($0.knownAt ?? .distantFuture) > $0.since.advanced(by: within) }
        let slowest = due.compactMap { culprit in culprit.knownAt.map { culprit.since.duration(to: $0) } }.max()
        let finding =
            "\(due.count - late.count) of \(due.count) double-bookers known to \(share.phrase) in time, slowest "
            + (slowest?.phrase ?? "none")
        let failure = late.first.map { Verdict.Failure(at: $0.since, node: $0.ignorant, lastEvents: []) }
        return Verdict(
            name: "proofs-known: \(share.phrase) within \(within.phrase)",
            isPassed: late.isEmpty && !due.isEmpty,
            finding: finding,
            kind: due.isEmpty ? Verdict.unjudged : nil,
            failure: failure
        )
    }

    /// A lease counts if both its parties have been up since it ended: whoever left cannot sign.
    private func leasesComplete(atLeast share: Share, at now: Instant) -> Verdict {
        let name = "leases-complete: \(share.phrase)"
        let upSince = Dictionary(nodes.compactMap { node in node.upSince.map { (node.key, $0) } }) { max($0, $1) }
        let unix = Simulation.epochMilliseconds + now.nanoseconds / 1_000_000
        let found = leases.completion(at: now, unixMilliseconds: unix) { key, ended in
            // Whoever came back has as long as the others had.
            upSince[key].map { max($0, ended).advanced(by: LeaseLedger.settlement) <= now } ?? false
        }
        return judge(
            name,
            found.complete,
            of: found.due,
            atLeast: share,
            ifNone: "no lease could be judged",
            firstMiss: found.firstMiss.map { ($0.at, $0.lease.provider) }
        ) { _ in "\(found.complete) of \(found.due) leases of \(leases.order.count) have both signatures" }
    }

    private func searchesComplete(atLeast share: Share) -> Verdict {
        judge(
            "searches-complete: \(share.phrase)",
            searches.completeCount,
            of: searches.count,
            atLeast: share,
            ifNone: "no search could be judged",
            firstMiss: searches.firstMiss.map { ($0.at, $0.node) }
        ) { _ in
            "\(searches.completeCount) of \(searches.count) searches showed all of \(searches.offerCount) offers, "
                + "\(searches.omitterCount) of \(searches.replicaCount) replicas left something out"
        }
    }

    private func lookupsSucceed(atLeast share: Share) -> Verdict {
        judge(
            "lookups-succeed: \(share.phrase)",
            lookups.foundCount,
            of: lookups.count,
            atLeast: share,
            ifNone: "no lookup could be judged",
            firstMiss: lookups.firstMiss.map { ($0.at, $0.node) }
        ) { _ in "\(lookups.foundCount) of \(lookups.count) lookups found what was there (need \(share.phrase))" }
    }

    private func honestCompany(atLeast share: Share) -> Verdict {
        judge(
            "honest-company: \(share.phrase)",
            company.keptCount,
            of: company.count,
            atLeast: share,
            ifNone: "no node was up for long enough",
            firstMiss: company.firstMiss.map { ($0.at, $0.node) }
        ) { "\($0.phrase) of \(company.count) seconds of nodes in honest company (need \(share.phrase))" }
    }

    private func reflectedDials(atMost limit: Int) -> Verdict {
        let name = "reflected-dials: \(limit) per minute"
        guard let (instant, node) = reflections.mostAt else {
            return Verdict(unjudged: name, "nobody dialled where the reflectors sent it")
        }
        let isPassed = reflections.most <= limit
        return Verdict(
            name: name,
            isPassed: isPassed,
            finding:
                "\(reflections.count) dials, at most \(reflections.most) of one node to one host in a minute (need \(limit))",
            failure: isPassed ? nil : Verdict.Failure(at: instant, node: node, lastEvents: [])
        )
    }

    /// Whether a large enough share of what could be judged was as it should be; nothing to judge proves nothing, and fails.
    private func judge(
        _ name: String,
        _ good: Int,
        of count: Int,
        atLeast share: Share,
        ifNone: String,
        firstMiss: (at: Instant, node: Int)?,
        finding: (Share) -> String
    ) -> Verdict {
        guard count > 0 else { return Verdict(unjudged: name, ifNone) }
        let reached = Share(good, of: count)
        let failure = firstMiss.map { Verdict.Failure(at: $0.at, node: $0.node, lastEvents: []) }
        return Verdict(
            name: name,
            isPassed: reached >= share,
            finding: finding(reached),
            failure: reached >= share ? nil : failure
        )
    }

    private func sometimes(_ occurrence: Occurrence) -> Verdict {
        let count = occurrences.count(of: occurrence)
        return Verdict(name: "sometimes: \(occurrence.rawValue)", isPassed: count > 0, finding: "seen \(count) times")
    }
}
