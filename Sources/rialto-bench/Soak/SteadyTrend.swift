/// Whether a quantity stays where it is: the median slope of all pairs of points (Theil 1950, Sen 1968), which no spike can move.
struct SteadyTrend {
    /// More points than this are joined to their medians first: the slopes are of pairs.
    private static let pointCountMax = 200

    /// The middle of all values.
    let level: Double
    /// What the slope comes to over the whole time.
    let growth: Double
    let hours: Double

    var growthPerHour: Double { hours > 0 ? growth / hours : 0 }

    /// Reads points that ascend in time, in seconds; `nil` for fewer than four, of which nothing can be said.
    ///
    /// - Complexity: O(n log n + m²) for n points, of which at most m = 200 remain.
    init?(_ points: [(second: Double, value: Double)]) {
        guard points.count >= 4, let first = points.first?.second, let last = points.last?.second, last > first else {
            return nil
        }
        let width = (points.count + Self.pointCountMax - 1) / Self.pointCountMax
        let joined = stride(from: 0, to: points.count, by: width).map { start in
            let group = points[start..<min(start + width, points.count)]
            return (second: median(group.map(\.second)), value: median(group.map(\.value)))
        }
        var slopes: [Double] = []
        for (index, left) in joined.enumerated() {
            for right in joined[(index + 1)...] where right.second > left.second {
                slopes.append((right.value - left.value) / (right.second - left.second))
            }
        }
        level = median(points.map(\.value))
        hours = (last - first) / 3_600
        growth = (slopes.isEmpty ? 0 : median(slopes)) * (last - first)
    }

    /// Whether it has grown by no more than a share of its level, or by `floor` where that is more.
    func isFlat(share: Double, floor: Double) -> Bool { growth <= max(floor, level * share) }
}
