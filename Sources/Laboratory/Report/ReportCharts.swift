internal import Foundation
internal import Primitives
internal import Simulator

/// The pictures of one run.
struct ReportCharts {
    let scenario: Scenario
    let result: RunResult

    var all: [Chart] {
        let charts = [
            deliveryCurve, reach, latency, liveNodes, bandwidth, deliveries, meshDegree, agreement, lookupHops,
            lookupLengths, lookupSuccess,
        ]
        return charts.compactMap(\.self)
    }

    var end: Double { max(result.virtualTime / .seconds(1), 1) }

    /// The build-up and the faults, as stretches of the run.
    var bands: [Band] {
        let buildUp = scenario.buildUp / .seconds(1)
        let calm = buildUp > 0 ? [Band(number: nil, start: 0, end: buildUp, words: "build-up")] : []
        return calm
            + scenario.faults.enumerated().map { index, planned in
                let start = buildUp + planned.at / .seconds(1)
                return Band(
                    number: index + 1,
                    start: start,
                    end: start + planned.fault.length / .seconds(1),
                    words: ScenarioWriter.words(of: planned.fault)
                )
            }
    }

    /// One value a second, joined to what the picture has room for.
    private func line(
        _ name: String,
        isFilled: Bool = false,
        pointCount: Int = ChartSVG.pointCountMax,
        joining: (ArraySlice<Double>) -> Double = { $0.reduce(0, +) / Double($0.count) },
        _ value: (SecondSample) -> Double?
    ) -> Chart.Series {
        let samples = result.seconds
        let width = max(1, (samples.count + pointCount - 1) / pointCount)
        let points = stride(from: 0, to: samples.count, by: width).map { start -> (x: Double, y: Double?) in
            let group = samples[start..<min(start + width, samples.count)]
            let values = group.compactMap(value)
            let middle = Double(group.first?.second ?? 0) + Double(group.count - 1) / 2
            return (middle, values.isEmpty ? nil : joining(values[...]))
        }
        return Chart.Series(name: name, points: points, isFilled: isFilled)
    }

    func chart(_ title: String, _ unit: String, _ series: [Chart.Series], caption: String) -> Chart {
        var chart = Chart(title: title, unit: unit, horizontal: .time(end: end), series: series, bands: bands)
        chart.caption = caption
        return chart
    }

    private var deliveryCurve: Chart? {
        let publications = result.publications
        guard !publications.isEmpty else { return nil }
        let half = publications.map { $0.latencyP50.map { $0 / .seconds(1) } }
        let all = publications.map { sample in
            sample.reached == sample.reachable ? sample.latencyMax.map { $0 / .seconds(1) } : nil
        }
        let slowest = (half + all).compactMap(\.self).max() ?? 1
        return Chart(
            title: "How fast a publication spreads",
            unit: "share of publications [%]",
            horizontal: .value(unit: "seconds since the publication", end: slowest),
            series: [
                distribution("half of the nodes have it", half, until: slowest),
                distribution("every node has it", all, until: slowest),
            ],
            top: 100,
            caption:
                "Over all \(publications.count) honest publications; what never reached everybody keeps a curve below 100 %."
        )
    }

    /// The cumulative distribution of some lengths, of which some never came.
    func distribution(_ name: String, _ values: [Double?], until end: Double) -> Chart.Series {
        let sorted = values.compactMap(\.self).sorted()
        guard !sorted.isEmpty else { return Chart.Series(name: name, points: []) }
        let step = max(1, sorted.count / ChartSVG.pointCountMax)
        var indices = Array(stride(from: 0, to: sorted.count, by: step))
        if indices.last != sorted.count - 1 { indices.append(sorted.count - 1) }
        var points: [(x: Double, y: Double?)] = [(0, 0)]
        var height = 0.0
        for index in indices {
            // Steps, as the distribution of a sample is.
            points.append((sorted[index], height))
            height = Double(index + 1) / Double(values.count) * 100
            points.append((sorted[index], height))
        }
        points.append((end, height))
        return Chart.Series(name: name, points: points)
    }

    private var reach: Chart? {
        let publications = result.publications.filter { $0.reachable > 0 }
        guard !publications.isEmpty else { return nil }
        var chart = chart(
            "Who gets a publication",
            "nodes reached [%]",
            [
                Chart.Series(
                    name: "worst publication of its second",
                    points: lowest(
                        publications.map { sample in
                            let at = Double(sample.at.nanoseconds) / 1e9
                            return (at, Double(sample.reached) / Double(sample.reachable) * 100)
                        }
                    )
                )
            ],
            caption: "Of the honest nodes that were up throughout, by the time of publication."
        )
        chart.top = 100
        return chart
    }

    /// The lowest value of each second, or of more seconds where the picture has no room.
    private func lowest(_ values: [(x: Double, y: Double)]) -> [(x: Double, y: Double?)] {
        let width = max(1, (end / Double(ChartSVG.pointCountMax)).rounded(.up))
        var points: [(x: Double, y: Double?)] = []
        for value in values {
            let place = (value.x / width).rounded(.down) * width
            if let last = points.last, last.x == place {
                points[points.count - 1].y = min(last.y ?? 100, value.y)
            } else {
                points.append((place, value.y))
            }
        }
        return points
    }

    /// What goes up and down from second to second is joined to so many points.
    static let noisyPointCount = 120

    private var latency: Chart? {
        let largest = { (values: ArraySlice<Double>) in values.max() ?? 0 }
        let count = Self.noisyPointCount
        let series = [
            line("median", pointCount: count) { $0.latencyP50.map { $0 / .seconds(1) } },
            line("99th percentile", pointCount: count, joining: largest) { $0.latencyP99.map { $0 / .seconds(1) } },
        ]
        .map { $0.bridged(over: end / 20) }
        guard series.contains(where: { $0.points.contains { $0.y != nil } }) else { return nil }
        var chart = chart(
            "Latency of deliveries",
            "seconds",
            series,
            caption:
                "From a publication to a node's book, by the second in which it arrived; every line is ten times the one below."
        )
        chart.isLogarithmic = true
        return chart
    }

    private var liveNodes: Chart? {
        guard !result.seconds.isEmpty else { return nil }
        var chart = chart(
            "Live nodes",
            "nodes",
            [line("nodes up", isFilled: true) { Double($0.nodesUp) }],
            caption: "Honest or not, at the end of each second."
        )
        chart.isWhole = true
        return chart
    }

    private var bandwidth: Chart? {
        guard let largest = result.seconds.map(\.bytes).max(), largest > 0 else { return nil }
        let units: [(String, Double)] = [("MB/s", 1e6), ("kB/s", 1e3), ("B/s", 1)]
        let (name, size) = units.first { Double(largest) >= $0.1 } ?? ("B/s", 1)
        return chart(
            "Bandwidth by kind",
            "whole network [\(name)]",
            [
                line("gossip", pointCount: Self.noisyPointCount) { $0.gossipBytes.map { Double($0) / size } },
                line("reconciliation", pointCount: Self.noisyPointCount) { $0.exchangeBytes.map { Double($0) / size } },
                line("everything", pointCount: Self.noisyPointCount) { Double($0.bytes) / size },
            ].filter { series in series.points.contains { $0.y != nil } },
            caption: "Bytes sent per virtual second by all nodes together."
        )
    }

    private var deliveries: Chart? {
        guard result.seconds.contains(where: { $0.deliveries > 0 || ($0.duplicates ?? 0) > 0 }) else { return nil }
        return chart(
            "First copies and duplicates",
            "per second, all nodes",
            [
                line("first copies", pointCount: Self.noisyPointCount) { Double($0.deliveries) },
                line("duplicates", pointCount: Self.noisyPointCount) { $0.duplicates.map(Double.init) },
            ].filter { series in series.points.contains { $0.y != nil } },
            caption: "What gossip pays for its redundancy."
        )
    }

    private var meshDegree: Chart? {
        guard result.seconds.contains(where: { $0.meshDegreeMean > 0 }) else { return nil }
        return chart(
            "Mesh degree",
            "mesh peers per node",
            [line("mean") { $0.meshDegreeMean }],
            caption: "How many peers a node exchanges whole messages with; gossipsub aims at a fixed number."
        )
    }

    private var agreement: Chart? {
        guard let largest = result.seconds.map(\.distinctSets).max(), largest > 0 else { return nil }
        var chart = chart(
            "Different views of the market",
            "distinct sets of records",
            [
                line("distinct sets", isFilled: true, joining: { $0.max() ?? 0 }) {
                    $0.distinctSets > 0 ? Double($0.distinctSets) : nil
                }
            ],
            caption: "Among honest live nodes; one set is agreement."
        )
        chart.isWhole = true
        return chart
    }
}

extension Chart.Series {
    /// Without gaps that are no longer than this: nothing happened there, and nothing is hidden.
    func bridged(over length: Double) -> Chart.Series {
        var (kept, last): ([(x: Double, y: Double?)], Double?) = ([], nil)
        for point in points where point.y != nil {
            if let last, point.x - last > length { kept.append(((last + point.x) / 2, nil)) }
            kept.append(point)
            last = point.x
        }
        return Chart.Series(name: name, points: kept, isFilled: isFilled)
    }
}
