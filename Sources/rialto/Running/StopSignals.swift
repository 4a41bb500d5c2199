internal import Dispatch
internal import Glibc
internal import Synchronization

/// SIGINT and SIGTERM ask for an orderly end; the second one ends the process at once.
final class StopSignals: Sendable {
    private struct State: Sendable {
        var count = 0
    }

    private let state = Mutex(State())
    // A source is thread-safe, but the library does not say so to the compiler.
    private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []

    init(_ onFirst: @escaping @Sendable () -> Void) {
        for number in [SIGINT, SIGTERM] {
            _ = signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                let count = self?.state.withLock { state in
                    state.count += 1
                    return state.count
                }
                if count == 1 { onFirst() } else { _exit(128 + number) }
            }
            source.resume()
            unsafe sources.append(source)
        }
    }
}
