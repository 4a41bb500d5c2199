internal import Primitives

/// How long a message is under way between two nodes of an idle, healthy network.
struct LatencyModel: Sendable {
    /// Where a node is, in microseconds.
    private struct Place {
        var x: Int32
        var y: Int32
        var access: Int32
    }

    private enum Model {
        case constant(Int)
        case uniform(low: Int, steps: Int)
        /// Distance plus the access delays of both ends.
        case regions
        /// Distance plus one access delay.
        case square(sideMicroseconds: Int, access: Int)
        case matrix(placeCount: Int, oneWay: [Int])
    }

    private let model: Model
    private var places: [Place] = []

    init(plan: LatencyPlan) {
        switch plan {
        case .constant(let delay):
            model = .constant(Self.nanoseconds(delay))
        case .uniform(let low, let high):
            precondition(low <= high, "the shortest delay is longer than the longest")
            model = .uniform(low: Self.nanoseconds(low), steps: Self.nanoseconds(high) - Self.nanoseconds(low) + 1)
        case .regions:
            model = .regions
        case .coordinates(let side, let access):
            model = .square(sideMicroseconds: Self.nanoseconds(side) / 1000, access: Self.nanoseconds(access))
        case .matrix(let matrix):
            model = .matrix(placeCount: matrix.placeCount, oneWay: matrix.roundTrips.map { Self.nanoseconds($0) / 2 })
        }
    }

    /// Places the next node; draws from its own stream.
    mutating func addNode(using random: inout SimulationRandom) {
        switch model {
        case .constant, .uniform, .matrix:
            break
        case .regions:
            let region = WorldRegion.draw(using: &random)
            let scatter = WorldRegion.scatterMicroseconds
            let x = region.x * 1000 + random.below(2 * scatter + 1) - scatter
            let y = region.y * 1000 + random.below(2 * scatter + 1) - scatter
            let access = Distribution.lognormal(median: WorldRegion.accessMedian, sigma: WorldRegion.accessSigma)
            let microseconds = access.draw(using: &random).saturatedNanoseconds / 1000
            places.append(Place(x: Int32(x), y: Int32(y), access: Int32(clamping: microseconds)))
        case .square(let side, _):
            let (x, y) = (random.below(side + 1), random.below(side + 1))
            places.append(Place(x: Int32(clamping: x), y: Int32(clamping: y), access: 0))
        }
    }

    /// The delay of one message in nanoseconds; the uniform model draws it anew for each.
    @inline(__always)
    func oneWay(from sender: Int, to receiver: Int, using random: inout SimulationRandom) -> Int {
        switch model {
        case .constant(let delay):
            return delay
        case .uniform(let low, let steps):
            return low + random.below(steps)
        case .regions:
            let (here, there) = (places[sender], places[receiver])
            return distance(here, there) + (Int(here.access) + Int(there.access)) * 1000
        case .square(_, let access):
            return distance(places[sender], places[receiver]) + access
        case .matrix(let placeCount, let oneWay):
            return oneWay[sender % placeCount * placeCount + receiver % placeCount]
        }
    }

    private func distance(_ here: Place, _ there: Place) -> Int {
        let (x, y) = (Double(here.x) - Double(there.x), Double(here.y) - Double(there.y))
        return Int(((x * x + y * y).squareRoot() * 1000))
    }

    private static func nanoseconds(_ delay: Duration) -> Int {
        precondition(delay >= .zero && delay <= .seconds(3600), "a delay of \(delay)")
        return Int(delay.saturatedNanoseconds)
    }
}
