/// A synthetic map of the world: eight regions on a plane whose distances are one-way delays.
///
/// Nobody's measurements, ours to ship. The plane is a globe seen from above the pole, so that east Asia lies nearer to the west of North America
/// than to Europe. Shares are a guess at where nodes of open networks stand. Over random pairs of nodes, the access delays of both
/// ends included, the mean round trip is 150 ms; the quantiles stand in the article and are tested.
struct WorldRegion: Sendable {
    let name: String
    /// In percent of the nodes.
    let share: Int
    /// The centre, in milliseconds.
    let x: Int
    let y: Int

    /// Nodes lie within this of the centre, on either axis.
    static let scatterMicroseconds = 8000
    /// The access delay of a node is lognormal with this median and σ: most lines answer in a few milliseconds, some in thirty.
    static let accessMedian = Duration.milliseconds(4)
    static let accessSigma = 0.8

    static let all = [
        WorldRegion(name: "North America, west", share: 10, x: -43, y: 8),
        WorldRegion(name: "North America, east", share: 20, x: -17, y: 28),
        WorldRegion(name: "South America", share: 7, x: -58, y: 72),
        WorldRegion(name: "Europe, west", share: 24, x: 22, y: 32),
        WorldRegion(name: "Europe, east", share: 12, x: 38, y: 18),
        WorldRegion(name: "South Asia", share: 9, x: 46, y: -36),
        WorldRegion(name: "East Asia", share: 14, x: -8, y: -54),
        WorldRegion(name: "Oceania", share: 4, x: -28, y: -104),
    ]

    /// Draws a region by its share.
    static func draw(using random: inout SimulationRandom) -> WorldRegion {
        var left = random.below(100)
        for region in all {
            left -= region.share
            if left < 0 { return region }
        }
        preconditionFailure("the shares of the regions are below 100 percent")
    }
}
