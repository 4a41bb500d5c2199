/// Who keeps the node's connections and streams.
public enum SwarmSeat: Hashable, Sendable {
    /// The node itself: bytes of connections come and go with `transport`, and the real protocols run over them.
    case machine
    /// The driver: it is told with `swarm` what a `SwarmMachine` would be told, and answers with what one would say.
    ///
    /// It is never fed `deadlineReached`, because its time is its own. With `typedGossip`, gossip travels as RPCs (`rpc`) beside the
    /// streams, which are opened and closed as ever; else as bytes on them.
    case driver(typedGossip: Bool)

    var isTyped: Bool { self == .driver(typedGossip: true) }
}
