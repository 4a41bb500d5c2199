/// The iterative search for the contacts nearest to a target: a value that says whom to ask next and is told what came of it.
///
/// It knows neither messages nor time. The owner calls `next` until it says `wait` or `finished`, asks whom it names, and reports
/// each with `answered` or `failed`, after which it calls `next` again. An answer that comes after its request was given up counts
/// all the same; one that nobody waits for has no effect.
///
/// It ends when the nearest `beta` live candidates have answered (libp2p/specs, kad-dht, "Peer routing": beta = k). With several
/// paths the first contacts are dealt out to them; a contact is asked once, and only the path that asked follows its answer.
public struct Lookup: Sendable {
    public enum Step: Hashable, Sendable {
        case ask(ContactID)
        /// Nothing before somebody answers or fails.
        case wait
        case finished
    }

    /// A contact that answered.
    public struct Reached: Hashable, Sendable {
        public let contact: ContactID
        public let distance: KademliaDistance
        /// How many answers led to it, its own included.
        public let hops: Int
    }

    public let target: KademliaKey
    public let limits: LookupLimits
    public private(set) var isFinished = false
    public private(set) var requestCount = 0
    public private(set) var inFlightCount = 0
    /// Of those that were asked, how many could not be reached or did not answer in time, and have not since.
    public private(set) var failureCount = 0

    private let own: ContactID?
    private var paths: [LookupPath] = []
    private var turn = 0

    /// Starts from the nearest contacts of one's own table, `seeds`, nearest first; `own` is never asked.
    public init(
        target: KademliaKey,
        limits: LookupLimits,
        own: ContactID? = nil,
        seeds: [ContactID],
        keys: [KademliaKey]
    ) {
        self.target = target
        self.limits = limits
        self.own = own
        let path = LookupPath(capacity: min(limits.candidateCountMax, 2 * limits.k))
        paths = Array(repeating: path, count: limits.paths)
        for (index, seed) in seeds.enumerated() {
            insert(seed, hops: 1, intoPath: index % limits.paths, keys: keys)
        }
    }

    /// Whom to ask now; one contact a call, until there is nothing more to ask.
    public mutating func next() -> Step {
        guard !isFinished else { return .finished }
        let inFlightPerPathMax = (limits.alpha + paths.count - 1) / paths.count
        let mayAsk = inFlightCount < limits.alpha && requestCount < limits.requestCountMax
        var isComplete = true
        for step in paths.indices {
            let path = (turn + step) % paths.count
            let survey = settledSurvey(ofPath: path)
            guard !survey.isComplete else { continue }
            isComplete = false
            guard let fresh = survey.fresh, mayAsk, paths[path].inFlightCount < inFlightPerPathMax else { continue }
            paths[path].set(fresh, to: .asked)
            inFlightCount += 1
            requestCount += 1
            turn = (path + 1) % paths.count
            return .ask(paths[path].candidates[fresh].contact)
        }
        // Without a request under way nothing can change any more: the requests are spent.
        guard isComplete || inFlightCount == 0 else { return .wait }
        isFinished = true
        return .finished
    }

    /// A contact answered and named others; returns whether anybody waited for it.
    @discardableResult
    public mutating func answered(_ contact: ContactID, closer: [ContactID], keys: [KademliaKey]) -> Bool {
        guard !isFinished else { return false }
        var wasExpected = false
        for path in paths.indices {
            guard let index = paths[path].index(of: contact) else { continue }
            switch paths[path].candidates[index].state {
            case .asked, .failed:
                if paths[path].candidates[index].state == .asked { inFlightCount -= 1 } else { failureCount -= 1 }
                paths[path].set(index, to: .answered)
                wasExpected = true
                let hops = paths[path].candidates[index].hops
                for candidate in closer {
                    insert(candidate, hops: hops == .max ? .max : hops + 1, intoPath: path, keys: keys)
                }
            case .askedElsewhere, .failedElsewhere:
                paths[path].set(index, to: .answered)
            case .fresh, .answered:
                break
            }
        }
        return wasExpected
    }

    /// A contact could not be reached, or did not answer in time; returns whether anybody waited for it.
    @discardableResult
    public mutating func failed(_ contact: ContactID) -> Bool {
        guard !isFinished else { return false }
        var wasExpected = false
        for path in paths.indices {
            guard let index = paths[path].index(of: contact) else { continue }
            switch paths[path].candidates[index].state {
            case .asked:
                paths[path].set(index, to: .failed)
                inFlightCount -= 1
                failureCount += 1
                wasExpected = true
            case .askedElsewhere:
                paths[path].set(index, to: .failedElsewhere)
            case .fresh, .answered, .failed, .failedElsewhere:
                break
            }
        }
        return wasExpected
    }

    /// A contact that failed may be asked once more: more is known of where it is.
    public mutating func renew(_ contact: ContactID) {
        for path in paths.indices {
            guard let index = paths[path].index(of: contact), !paths[path].candidates[index].state.isLive else {
                continue
            }
            if paths[path].candidates[index].state == .failed { failureCount -= 1 }
            paths[path].set(index, to: .fresh)
        }
    }

    /// Whether an answer of the contact is awaited.
    public func isAsking(_ contact: ContactID) -> Bool {
        paths.contains { path in path.index(of: contact).map { path.candidates[$0].state == .asked } ?? false }
    }

    /// Ends the lookup with what it has.
    public mutating func finish() {
        isFinished = true
    }

    /// The nearest contact that answered.
    public var nearest: Reached? { nearestAnswered(1).first }

    /// The nearest contacts that answered, at most `count`, nearest first.
    public func nearestAnswered(_ count: Int) -> [Reached] {
        var results: [Reached] = []
        for path in paths {
            var taken = 0
            for candidate in path.candidates where candidate.state == .answered {
                guard taken < count else { break }
                taken += 1
                results.append(
                    Reached(
                        contact: candidate.contact,
                        distance: candidate.distance,
                        hops: Int(candidate.hops)
                    )
                )
            }
        }
        guard paths.count > 1 else { return results }
        results.sort { ($0.distance, $0.hops) < ($1.distance, $1.hops) }
        var distinct: [Reached] = []
        for result in results where distinct.last?.contact != result.contact && distinct.count < count {
            distinct.append(result)
        }
        return distinct
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(inFlightCount <= limits.alpha && requestCount <= limits.requestCountMax)
        precondition(failureCount >= 0 && failureCount + inFlightCount <= requestCount)
        precondition(inFlightCount == paths.reduce(0) { $0 + $1.inFlightCount })
        for path in paths {
            precondition(path.candidates.count <= limits.candidateCountMax)
            precondition(path.inFlightCount == path.candidates.count { $0.state == .asked })
            for (near, far) in zip(path.candidates, path.candidates.dropFirst()) {
                precondition(near.distance < far.distance)
            }
        }
    }

    private mutating func insert(_ contact: ContactID, hops: UInt8, intoPath path: Int, keys: [KademliaKey]) {
        guard contact != own else { return }
        let distance = keys[contact].distance(to: target)
        paths[path].insert(contact, at: distance, hops: hops, countMax: limits.candidateCountMax)
    }

    /// The survey of a path whose next candidate no other path has asked.
    private mutating func settledSurvey(ofPath path: Int) -> LookupPath.Survey {
        var survey = paths[path].survey(k: limits.width, beta: limits.beta)
        guard paths.count > 1 else { return survey }
        while !survey.isComplete, let fresh = survey.fresh {
            let distance = paths[path].candidates[fresh].distance
            guard let state = stateElsewhere(at: distance, than: path) else { break }
            paths[path].set(fresh, to: state)
            survey = paths[path].survey(k: limits.width, beta: limits.beta)
        }
        return survey
    }

    private func stateElsewhere(at distance: KademliaDistance, than path: Int) -> LookupPath.State? {
        for other in paths.indices where other != path {
            switch paths[other].state(at: distance) {
            case nil, .fresh: continue
            case .asked, .askedElsewhere: return .askedElsewhere
            case .answered: return .answered
            case .failed, .failedElsewhere: return .failedElsewhere
            }
        }
        return nil
    }
}
