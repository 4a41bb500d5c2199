internal import DequeModule
internal import Dispatch
internal import Foundation
internal import Synchronization

/// Jobs that threads of our own take, first come, first served.
final class WorkQueue<Job: Sendable>: Sendable {
    private struct State: Sendable {
        var jobs = Deque<Job>()
        var isClosed = false
    }

    private let countMax: Int
    private let state = Mutex(State())
    /// Signalled once for each job, so that a thread sleeps while there is none.
    private let available = DispatchSemaphore(value: 0)

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// `false` if too many jobs wait, or if the queue is closed.
    func push(_ job: Job) -> Bool {
        let isTaken = state.withLock { state in
            guard !state.isClosed, state.jobs.count < countMax else { return false }
            state.jobs.append(job)
            return true
        }
        if isTaken { available.signal() }
        return isTaken
    }

    /// Waits for a job and takes it together with those behind it while `joins` says so; `nil` when the queue is closed and empty.
    func next(joining joins: ([Job]) -> Bool = { _ in false }) -> [Job]? {
        while true {
            available.wait()
            let (jobs, isClosed) = state.withLock { state in
                var jobs: [Job] = []
                repeat {
                    guard let job = state.jobs.popFirst() else { break }
                    jobs.append(job)
                } while joins(jobs)
                return (jobs, state.isClosed)
            }
            if !jobs.isEmpty { return jobs }
            guard isClosed else { continue }
            // The signal that told of the end is for every thread.
            available.signal()
            return nil
        }
    }

    /// Takes no more jobs; those that wait are still handed out.
    func close() {
        state.withLock { $0.isClosed = true }
        available.signal()
    }
}

/// Starts a thread of our own: work that blocks must not take a place in the pool of Swift's tasks.
func startThread(named name: String, _ body: @escaping @Sendable () -> Void) {
    let thread = Thread(block: body)
    thread.name = name
    // A debug build of a whole node's step is generous with its frames.
    thread.stackSize = 16 << 20
    thread.start()
}
