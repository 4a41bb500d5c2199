/// What a row's place in the order rests on.
public enum SearchRank: Hashable, Sendable, CustomStringConvertible {
    /// An amount, and what a reader should know about it.
    case known(Amount, marks: [Mark])
    /// The row stands behind all others.
    case unknown(Reason)

    /// A decimal number: `count ÷ scale`, in a unit.
    public struct Amount: Hashable, Sendable, CustomStringConvertible {
        public let count: Int64
        /// A power of ten.
        public let scale: Int
        public let unit: String

        public var description: String { "\(ScaledDecimal.text(Int(count), scale: scale)) \(unit)" }
    }

    public enum Mark: String, Hashable, Sendable {
        /// Rests on a figure of the catalogue or of the provider that nobody measured.
        case claimed
        /// The card has no tensor figure, so its vector figure stands in.
        case vector
        /// The provider states no power, so the card's board power stands in.
        case boardPower = "board power"
    }

    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        case otherUnit(String)
        case noFigure(String)
        case notMeasured
        case noTrust
        case noEmissions

        public var description: String {
            switch self {
            case .otherUnit(let unit): "priced in \(unit)"
            case .noFigure(let name): "\(name) not known"
            case .notMeasured: "not measured"
            case .noTrust: "trust not known"
            case .noEmissions: "emissions not stated"
            }
        }
    }

    public var description: String {
        switch self {
        case .known(let amount, let marks):
            marks.isEmpty ? "\(amount)" : "\(amount) (\(marks.map(\.rawValue).joined(separator: ", ")))"
        case .unknown(let reason): "unknown: \(reason)"
        }
    }
}
