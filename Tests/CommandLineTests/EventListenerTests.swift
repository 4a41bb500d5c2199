import Node
import Synchronization
import Testing

@testable import rialto

@Suite struct `The listener of a node's events` {
    private final class Ear: Sendable {
        let count = Atomic(0)
    }

    @Test func `hears the two-hundred-thousandth event as the first, on no deeper stack`() {
        let (listener, ear) = (EventListener(), Ear())
        listener.tell(.ready(knowsPeers: true))
        listener.set { _ in ear.count.add(1, ordering: .relaxed) }
        for _ in 0..<200_000 { listener.tell(.ready(knowsPeers: true)) }
        #expect(ear.count.load(ordering: .relaxed) == 200_000)
    }
}
