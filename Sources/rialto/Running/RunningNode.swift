internal import Cryptography
internal import EventLoop
internal import Identity
internal import LocalAPI
internal import Node
internal import Primitives
internal import Storage
internal import Synchronization

/// A node with its key, its store and its loop: everything between a home directory and the network.
final class RunningNode: NodeControl {
    let loop: NodeLoop
    let peer: PeerID
    let warnings: [StoreWarning]
    private let hub: EventHub
    private let store: NodeStore
    private let home: String
    private let counts: EventCounts
    private let listener: EventListener
    private let recording: RecordingFile?

    /// Opens a home directory, which it locks, and makes a key if there is none; nothing runs yet.
    ///
    /// With `recordingPath` everything that the node hears is written there.
    init(home: String, config: NodeConfig, workerCount: Int? = nil, recordingPath: String? = nil) throws {
        let opened: (store: NodeStore, state: RestoredState, warnings: [StoreWarning])
        do throws(StoreFailure) {
            opened = try NodeStore.open(directory: home)
        } catch {
            throw Self.failure(error, home: home)
        }
        let (key, isFresh) = try Self.identity(home)
        let seed = SystemEntropy.bytes(SeededRandom.seedByteCount)
        let node = NodeMachine(
            config: config,
            identity: key,
            isFreshIdentity: isFresh,
            restored: opened.state,
            random: SeededRandom(seed: seed)
        )
        let recording = try recordingPath.map { path in
            let origin = NodeOrigin(
                config: config,
                peer: node.peer,
                isFreshIdentity: isFresh,
                restored: opened.state,
                randomSeed: seed,
                programVersion: Rialto.version
            )
            return try RecordingFile(creating: path, origin: origin)
        }
        let (store, hub, counts, listener) = (opened.store, EventHub(), EventCounts(), EventListener())
        (self.home, self.counts, self.listener) = (home, counts, listener)
        peer = node.peer
        warnings = opened.warnings
        (self.store, self.hub) = (store, hub)
        let observe = { @Sendable (event: NodeEvent) in
            counts.count(event)
            listener.tell(event)
            hub.tell(event)
        }
        loop = NodeLoop(
            node: node,
            workerCount: workerCount,
            commit: { changes in
                let result = store.commit(changes)
                // A cache that is replaced while the node runs is nothing that the node itself would notice.
                for warning in store.takeWarnings() { observe(.storeFailed(.corrupt("\(warning)"))) }
                return result
            },
            observe: observe,
            record: recording?.step
        )
        self.recording = recording
    }

    func send(_ command: NodeCommand) async throws -> NodeAnswer {
        try await loop.send(command)
    }

    func events() -> AsyncStream<NodeEvent> { hub.events() }

    /// Hears every event on the loop's thread, where `events` may leave some out; must return at once.
    func listen(_ body: @escaping @Sendable (NodeEvent) -> Void) { listener.set(body) }

    /// What the API serves beside the node's own answers.
    var shell: NodeShell {
        var shell = NodeShell()
        shell.facts = { [self] in facts }
        shell.book = { [counts] in counts.book }
        shell.now = { ShellClock.now }
        shell.backup = { [store] path throws(StoreFailure) in try store.backup(to: path) }
        shell.shutdown = { [loop] in loop.requestStop() }
        return shell
    }

    var facts: ShellFacts {
        let statistics = loop.statistics
        var facts = ShellFacts()
        facts.sinceLastTurn = loop.sinceLastTurn
        (facts.inputCount, facts.stepCount) = (statistics.inputCount, statistics.stepCount)
        facts.longestStep = statistics.longestStep
        facts.signatureCheckCount = statistics.signatureCheckCount
        facts.verifications = statistics.verifications
        (facts.commitCount, facts.failedCommitCount) = (statistics.ticketCount, statistics.failedTicketCount)
        facts.commandCount = statistics.commandCount
        (facts.receivedByteCount, facts.sentByteCount) = (statistics.receivedByteCount, statistics.sentByteCount)
        facts.ownLogByteCount = ProcessFacts.size(ofFile: home + "/node.sqlite-wal")
        facts.cacheLogByteCount = ProcessFacts.size(ofFile: home + "/cache.sqlite-wal")
        ProcessFacts.fill(&facts)
        return facts
    }

    /// Begins the orderly end, and returns when it is over.
    func stop() async {
        loop.requestStop()
        await loop.waitUntilStopped()
        recording?.close()
        hub.finish()
    }

    private static func identity(_ home: String) throws -> (key: Ed25519.PrivateKey, isFresh: Bool) {
        do throws(HomeError) {
            do throws(HomeError) {
                return (try IdentityFile.load(directory: home), false)
            } catch .missingKey {
                return (try IdentityFile.create(directory: home), true)
            }
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    private static func failure(_ failure: StoreFailure, home: String) -> CommandFailure {
        switch failure {
        case .locked:
            CommandFailure(
                .failed,
                "another node uses \(home)",
                hint: "stop it with: rialto down, or choose another --home"
            )
        case .newerVersion(let version):
            CommandFailure(.failed, "\(home) was written by a newer version of rialto (schema \(version))")
        case .corrupt(let reason):
            CommandFailure(
                .failed,
                "the node's own state in \(home) is damaged: \(reason)",
                hint: "restore node.sqlite from a backup, then: rialto key resume"
            )
        case .diskFull: CommandFailure(.failed, "the disk of \(home) is full")
        case .readOnly: CommandFailure(.failed, "\(home) cannot be written")
        case .inputOutput(let reason): CommandFailure(.failed, reason)
        }
    }
}

/// Counts on the loop's thread, read on any.
private final class EventCounts: Sendable {
    private let state = Mutex(MetricsBook())

    var book: MetricsBook { state.withLock { $0 } }

    func count(_ event: NodeEvent) {
        let now = ShellClock.now
        state.withLock { $0.count(event, at: now) }
    }
}
