internal import Dispatch
internal import Node

/// Writes on a thread of its own, many tickets in one commit: while one commit waits for the disk, the next gathers.
final class StoreThread: Sendable {
    /// Tickets that wait; more fail at once.
    ///
    /// A disk that is seconds behind is better told than hidden.
    static let ticketCountMax = 16_384
    /// Changes in one commit, so that an own record does not wait behind everything that a peer's exchange brought.
    static let changeCountMax = 4_096

    private struct Request: Sendable {
        let ticket: Ticket
        let changes: [StoreChange]

        var hasOwnState: Bool { changes.contains(where: \.isOwnState) }
    }

    private let queue: WorkQueue<Request>
    private let deliver: @Sendable ([Ticket], StoreFailure?) -> Void
    private let ended = DispatchSemaphore(value: 0)

    /// Begins with the thread waiting.
    ///
    /// `deliver` is called on it, in the order of the tickets. What is our own is committed first and decides alone about the
    /// tickets that bring any: a cache that cannot be written must not make us believe that a lease is not on the disk.
    init(
        ticketCountMax: Int = StoreThread.ticketCountMax,
        commit: @escaping @Sendable ([StoreChange]) -> Result<Void, StoreFailure>,
        deliver: @escaping @Sendable ([Ticket], StoreFailure?) -> Void
    ) {
        let queue = WorkQueue<Request>(countMax: ticketCountMax)
        (self.queue, self.deliver) = (queue, deliver)
        startThread(named: "store") { [ended] in
            let fits = { (requests: [Request]) in requests.reduce(0) { $0 + $1.changes.count } < Self.changeCountMax }
            while let requests = queue.next(joining: fits) {
                let own = Self.failure(of: commit, requests.flatMap { $0.changes.filter(\.isOwnState) })
                let rest = own == nil ? requests : requests.filter { !$0.hasOwnState }
                let cache = Self.failure(of: commit, rest.flatMap { $0.changes.filter { !$0.isOwnState } })
                if own == cache {
                    deliver(requests.map(\.ticket), own)
                } else {
                    for request in requests { deliver([request.ticket], request.hasOwnState ? own : cache) }
                }
            }
            ended.signal()
        }
    }

    private static func failure(
        of commit: ([StoreChange]) -> Result<Void, StoreFailure>,
        _ changes: [StoreChange]
    ) -> StoreFailure? {
        guard !changes.isEmpty, case .failure(let failure) = commit(changes) else { return nil }
        return failure
    }

    func persist(_ ticket: Ticket, _ changes: [StoreChange]) {
        guard !queue.push(Request(ticket: ticket, changes: changes)) else { return }
        deliver([ticket], .inputOutput("the store is too far behind"))
    }

    /// Commits what waits and ends; blocks until then.
    func close() {
        queue.close()
        ended.wait()
    }
}
