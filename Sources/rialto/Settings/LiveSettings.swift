internal import LocalAPI
internal import Synchronization

/// The settings of a running node, read anew when somebody asks for it.
///
/// A file that makes no sense changes nothing: the node goes on with what it had.
final class LiveSettings: Sendable {
    private let read: @Sendable () throws -> NodeSettings
    private let apply: @Sendable (NodeSettings) async throws -> Void
    private let current: Mutex<NodeSettings>

    init(
        _ first: NodeSettings,
        read: @escaping @Sendable () throws -> NodeSettings,
        apply: @escaping @Sendable (NodeSettings) async throws -> Void
    ) {
        (self.read, self.apply) = (read, apply)
        current = Mutex(first)
    }

    var value: NodeSettings { current.withLock { $0 } }

    /// Throws `APIError` if the new settings make no sense.
    func reload() async throws -> ReloadView {
        let old = value
        let new: NodeSettings
        do {
            new = try read()
        } catch let failure as CommandFailure {
            throw APIError(.badRequest, "nothing has changed: \(failure.message)", hint: failure.hint)
        }
        try await apply(new)
        let changes = new.changes(from: old)
        // What waits for a restart differs from what runs until then, however often somebody asks.
        current.withLock { $0 = old.taking(new) }
        return ReloadView(
            changed: changes.filter(\.isLive).map(\.rawValue),
            needsRestart: changes.filter { !$0.isLive }.map(\.rawValue)
        )
    }
}
