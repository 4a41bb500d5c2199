import Foundation
import Glibc
import Synchronization
import Testing

/// The descriptors of one thread, so that a test may use all of them up while other tests keep theirs.
enum DescriptorTable {
    private final class Found<Value: Sendable>: Sendable {
        let value = Mutex<Value?>(nil)
    }

    /// What `body` gives on a thread with a table of its own; `nil` when it throws, or when there is no such table.
    static func own<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Value? {
        let (found, ended) = (Found<Value>(), DispatchSemaphore(value: 0))
        let thread = Thread {
            let value: Value? = try? {
                try leaveShared()
                return try body()
            }()
            found.value.withLock { $0 = value }
            ended.signal()
        }
        thread.start()
        #expect(ended.wait(timeout: .now() + 20) == .success)
        return found.value.withLock { $0 }
    }

    /// Uses up every descriptor that is left.
    static func takeAll() -> [Int32] {
        var taken: [Int32] = []
        while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
        return taken
    }

    /// `unshare(CLONE_FILES)`, which the system's Swift module does not show.
    private static func leaveShared() throws {
        guard let symbol = unsafe dlsym(nil, "unshare") else { throw CancellationError() }
        let unshare = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
        let shareFiles: Int32 = 0x400
        try #require(unshare(shareFiles) == 0)
    }
}
