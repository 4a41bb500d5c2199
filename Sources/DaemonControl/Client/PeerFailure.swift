/// What could not be done with a program or a peer.
package enum PeerFailure: Error, CustomStringConvertible {
    case missing(String)
    case timedOut(String)
    case ended(String)
    /// The peer said no, in its own words.
    case refused(String)
    case malformed(String)

    package var description: String {
        switch self {
        case .missing(let what): "\(what) is missing"
        case .timedOut(let what): "waited in vain for \(what)"
        case .ended(let what): "\(what) ended"
        case .refused(let words): "the peer refused: \(words)"
        case .malformed(let what): "the peer's \(what) cannot be read"
        }
    }
}
