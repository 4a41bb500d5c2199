import Laboratory

/// The pictures of a soak: the steady nodes' most and least, and what the restless one holds.
struct SoakPlots {
    let record: SoakRecord
    let plan: SoakPlan

    /// File names and their SVG text.
    var all: [(name: String, text: String)] {
        [
            ("memory.svg", chart("Resident memory", "MiB", over { Double($0.facts.residentByteCount) / 1_048_576 })),
            ("descriptors.svg", chart("Open descriptors", "", over { Double($0.facts.descriptorCount) })),
            ("threads.svg", chart("Threads", "", over { Double($0.facts.threadCount) })),
            ("processor.svg", chart("Processor time", "% of a core", rate(\.facts.processorSeconds, times: 100))),
            ("records.svg", chart("Records that changed a node's market", "1/s", rate(\.changeCount, times: 1))),
            ("deliveries.svg", chart("From command to another node's book", "ms", deliveries)),
        ].map { ($0.0, ChartSVG($0.1).text) }
    }

    private var end: Double { max(record.samples.last?.second ?? 0, 1) }

    private func chart(_ title: String, _ unit: String, _ series: [Chart.Series]) -> Chart {
        var chart = Chart(title: title, unit: unit, horizontal: .clock(end: end), series: series)
        chart.bands = [Band(number: nil, start: 0, end: plan.settling / .seconds(1), words: "settling")]
        return chart
    }

    private func over(_ value: (SoakSample) -> Double) -> [Chart.Series] {
        let steady = Dictionary(grouping: record.samples.filter { !$0.isRestless }, by: \.second)
            .sorted { $0.key < $1.key }
        let restless = record.samples.filter(\.isRestless)
        return [
            Chart.Series(name: "steady nodes, most", points: steady.map { ($0.key, $0.value.map(value).max()) }),
            Chart.Series(name: "least", points: steady.map { ($0.key, $0.value.map(value).min()) }),
            Chart.Series(name: "the restless node", points: restless.map { ($0.second, value($0)) }),
        ]
    }

    /// How fast a counter rises at the steady nodes, by the minute.
    private func rate(_ counter: (SoakSample) -> Double, times factor: Double) -> [Chart.Series] {
        let nodes = Dictionary(grouping: record.samples.filter { !$0.isRestless }, by: \.node).values
        var rates: [Double: [Double]] = [:]
        for samples in nodes {
            var last = samples[0]
            for sample in samples where sample.second - last.second >= min(60, end / 4) {
                let rate = (counter(sample) - counter(last)) / (sample.second - last.second) * factor
                rates[sample.second, default: []].append(rate)
                last = sample
            }
        }
        let sorted = rates.sorted { $0.key < $1.key }
        return [
            Chart.Series(name: "steady nodes, most", points: sorted.map { ($0.key, $0.value.max()) }),
            Chart.Series(name: "least", points: sorted.map { ($0.key, $0.value.min()) }),
        ]
    }

    private var deliveries: [Chart.Series] {
        let width = max(1, record.deliveries.count / 240)
        let groups = stride(from: 0, to: record.deliveries.count, by: width).map {
            record.deliveries[$0..<min($0 + width, record.deliveries.count)]
        }
        let points = groups.map { group in
            (group.first?.second ?? 0, group.compactMap(\.milliseconds).max())
        }
        let middles = groups.map { group in
            let times = group.compactMap(\.milliseconds)
            return (group.first?.second ?? 0, times.isEmpty ? nil : median(times))
        }
        return [Chart.Series(name: "slowest", points: points), Chart.Series(name: "middle", points: middles)]
    }
}
