internal import Dispatch
internal import Glibc
internal import Synchronization

/// Calls a closure whenever a signal comes, instead of what the system would do.
final class SignalWatch: Sendable {
    // A source is thread-safe, but the library does not say so to the compiler.
    private nonisolated(unsafe) let source: any DispatchSourceSignal

    init(_ number: Int32, _ onSignal: @escaping @Sendable () -> Void) {
        _ = signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler(handler: onSignal)
        source.resume()
        unsafe self.source = source
    }

    deinit {
        unsafe source.cancel()
    }
}

/// SIGINT and SIGTERM ask for an orderly end; the second one ends the process at once.
final class StopSignals: Sendable {
    private let watches: [SignalWatch]

    init(_ onFirst: @escaping @Sendable () -> Void) {
        let count = SignalCount()
        watches = [SIGINT, SIGTERM].map { number in
            SignalWatch(number) { if count.next() == 1 { onFirst() } else { _exit(128 + number) } }
        }
    }

    private final class SignalCount: Sendable {
        private let count = Mutex(0)

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }
}
