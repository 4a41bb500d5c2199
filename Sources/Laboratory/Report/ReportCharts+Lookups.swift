internal import Primitives
internal import Simulator

// The pictures of the hash table: how far, how long, how often found.
extension ReportCharts {
    /// The workload's lookups if there are any, else those that nodes made for themselves.
    private var shown: [LookupSample] {
        let asked = result.lookups.filter(\.isAsked)
        return asked.isEmpty ? result.lookups : asked
    }

    /// Whose lookups these are, for captions.
    private var whose: String {
        result.lookups.contains(where: \.isAsked) ? "lookups of the workload" : "lookups that nodes made for themselves"
    }

    /// The kinds that occur, in the order of their names, as many as there are styles of lines.
    private var kinds: [String] { Array(Set(shown.map(\.kind)).sorted().prefix(6)) }

    var lookupHops: Chart? {
        let hops = shown.filter { $0.hops > 0 }.map(\.hops)
        guard let largest = hops.max() else { return nil }
        var counts = [Int](repeating: 0, count: largest + 2)
        for hop in hops { counts[hop] += 1 }
        // A column for each number, as wide as the step to the next.
        let points = counts.enumerated().flatMap { hop, count -> [(x: Double, y: Double?)] in
            let share = Double(count) / Double(hops.count) * 100
            return [(Double(hop) - 0.5, share), (Double(hop) + 0.5, share)]
        }
        return Chart(
            title: "Hops of a lookup",
            unit: "share of lookups [%]",
            horizontal: .value(unit: "answers up to the nearest peer that answered", end: Double(largest) + 1.5),
            series: [Chart.Series(name: "lookups", points: points.filter { $0.x >= 0 }, isFilled: true)],
            caption: "Over \(hops.count) \(whose) that asked somebody."
        )
    }

    var lookupLengths: Chart? {
        guard !shown.isEmpty else { return nil }
        let longest = shown.map { $0.lasted / .seconds(1) }.max() ?? 1
        let series = kinds.map { kind in
            let lengths = shown.filter { $0.kind == kind }.map { $0.isFound ? $0.lasted / .seconds(1) : nil }
            return distribution(kind, lengths, until: longest)
        }
        return Chart(
            title: "How long a lookup takes",
            unit: "share of lookups [%]",
            horizontal: .value(unit: "seconds since it began", end: max(longest, 0.001)),
            series: series.filter { !$0.points.isEmpty },
            top: 100,
            caption: "Over \(shown.count) \(whose); what found nothing keeps a curve below 100 %."
        )
    }

    var lookupSuccess: Chart? {
        guard !shown.isEmpty else { return nil }
        let width = max(1, end / Double(Self.noisyPointCount))
        var groups = [(found: Int, count: Int)](repeating: (0, 0), count: Int(end / width) + 1)
        for sample in shown {
            let place = min(groups.count - 1, Int(Double(sample.at.nanoseconds) / 1e9 / width))
            groups[place].count += 1
            if sample.isFound { groups[place].found += 1 }
        }
        let points = groups.enumerated().map { place, group -> (x: Double, y: Double?) in
            let share = group.count == 0 ? nil : Double(group.found) / Double(group.count) * 100
            return ((Double(place) + 0.5) * width, share)
        }
        var chart = chart(
            "Lookups that find what is there",
            "share of lookups [%]",
            [Chart.Series(name: "found", points: points).bridged(over: end / 20)],
            caption: "Of all \(whose), by the time at which they began."
        )
        chart.top = 100
        return chart
    }
}
