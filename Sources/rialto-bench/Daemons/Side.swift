/// Whose daemon a workload runs against.
enum Side: String, CaseIterable, Codable {
    /// go-libp2p's `p2pd`.
    case go
    /// `libp2pd`.
    case rialto
}

/// Where the two daemons are.
struct DaemonPrograms {
    /// `nil` where it could not be found: then there is no comparison.
    let go: String?
    let rialto: String

    func path(of side: Side) throws -> String {
        switch side {
        case .rialto: return rialto
        case .go:
            guard let go else { throw BenchFailure("go-libp2p's daemon is not here; run bootstrap/peers to fetch it") }
            return go
        }
    }

    var sides: [Side] { go == nil ? [.rialto] : Side.allCases }
}

/// Why a measurement came to nothing.
struct BenchFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
