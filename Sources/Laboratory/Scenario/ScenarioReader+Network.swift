internal import Primitives
internal import Simulator
internal import Yams

/// What lies between the nodes, and who comes and goes.
extension ScenarioReader {
    private static let distributions = [
        "constant", "uniform", "exponential", "weibull", "pareto", "lognormal", "trace",
    ]
    private static let latencies = ["regions", "constant", "uniform", "coordinates", "matrix"]

    func network(_ place: YAMLPlace) throws -> NetworkPlan {
        let fields = try place.fields(
            ["latency", "jitter", "loss", "upload", "download", "nat"],
            example: "{latency: regions, loss: 0.1%}"
        )
        var plan = NetworkPlan()
        fields.read("latency", into: &plan.latency) { try latency($0) }
        fields.read("jitter", into: &plan.jitter) { try $0.share() }
        fields.read("loss", into: &plan.loss) { place in
            let loss = try place.share()
            guard loss < .all else { throw place.problem("'network.loss' is below 100%: nothing would ever arrive") }
            return loss
        }
        fields.read("upload", into: &plan.upload) { try $0.bitRate() }
        fields.read("download", into: &plan.download) { try $0.bitRate() }
        fields.read("nat", into: &plan.nat) { try nat($0) }
        return plan
    }

    private func latency(_ place: YAMLPlace) throws -> LatencyPlan {
        if place.node.scalar != nil {
            let word = try place.word()
            if word == "regions" { return .regions }
            let hint = Self.latencies.contains(word) ? ": it takes a value, like {constant: 50ms}" : ""
            throw place.problem(
                "'\(place.name)' cannot be '\(word)'"
                    + (hint.isEmpty ? YAMLPlace.hint(word, Self.latencies) : hint)
            )
        }
        let (model, value) = try place.single(
            Array(Self.latencies.dropFirst()),
            example: "{constant: 50ms}"
        )
        switch model {
        case "constant": return .constant(try value.length())
        case "uniform":
            let (low, high) = try range(value)
            return .uniform(low, high)
        case "coordinates":
            let fields = try value.fields(["side", "access"], example: "{side: 80ms, access: 5ms}")
            let side = fields.required("side") { try $0.length() }
            let access = fields.required("access") { try $0.length() }
            return .coordinates(side: side ?? .zero, access: access ?? .zero)
        default: return .matrix(try matrix(value))
        }
    }

    /// Two lengths, the smaller first.
    private func range(_ place: YAMLPlace) throws -> (Duration, Duration) {
        let places = try place.list()
        guard places.count == 2 else {
            throw place.problem("'\(place.name)' takes two lengths, like [20ms, 100ms]")
        }
        let (low, high) = (try places[0].length(), try places[1].length())
        guard low <= high else { throw place.problem("'\(place.name)' takes the smaller length first") }
        return (low, high)
    }

    /// Round trips in milliseconds: a file of rows, or the rows themselves as lengths.
    private func matrix(_ place: YAMLPlace) throws -> LatencyMatrix {
        var rows: [[Duration]] = []
        if place.node.sequence != nil {
            for row in try place.list() {
                var lengths: [Duration] = []
                for cell in try row.list() { lengths.append(try cell.length()) }
                rows.append(lengths)
            }
        } else {
            rows = try data(place).map { line, text in
                try text.split(separator: ",", omittingEmptySubsequences: false).map {
                    cell in
                    let cell = cell.trimmed
                    guard let length = Quantities.scaled(cell, by: 1_000_000),
                        .nanoseconds(length) <= Quantities.lengthMax
                    else {
                        throw place.problem(
                            "line \(line) of the matrix: '\(cell)' is no number of milliseconds"
                        )
                    }
                    return .nanoseconds(length)
                }
            }
        }
        guard rows.count <= ScenarioLimits.placeCountMax else {
            throw place.problem("a matrix has at most \(ScenarioLimits.placeCountMax) rows")
        }
        guard rows.allSatisfy({ $0.count == rows.count }),
            let matrix = LatencyMatrix(placeCount: rows.count, roundTrips: rows.flatMap(\.self))
        else { throw place.problem("a matrix has as many columns as rows, and at least one") }
        return matrix
    }

    private func nat(_ place: YAMLPlace) throws -> NATMix {
        let fields = try place.fields(
            ["open", "restricted", "symmetric"],
            example: "{restricted: 30%, symmetric: 15%}"
        )
        var mix = NATMix()
        let open = fields.optional("open") { try $0.share() }
        mix.restricted =
            fields.optional("restricted") { try $0.share() } ?? .zero
        mix.symmetric =
            fields.optional("symmetric") { try $0.share() } ?? .zero
        let closed = mix.restricted.millionths + mix.symmetric.millionths
        let total = closed + (open?.millionths ?? 0)
        guard closed <= Share.all.millionths, open == nil || total == Share.all.millionths else {
            throw place.problem("the shares of '\(place.name)' add up to 100%, open nodes included")
        }
        return mix
    }

    func churn(_ place: YAMLPlace) throws -> ChurnPlan? {
        let fields = try place.fields(
            ["session", "downtime", "identity", "stable"],
            example: "{session: {exponential: 1h}, downtime: {exponential: 10m}}"
        )
        let session = fields.required("session") { place in
            try distribution(place)
        }
        let downtime = fields.required("downtime") { place in
            try distribution(place)
        }
        let keepsIdentity = fields.optional("identity") { place in
            try place.value("kept or new") { ["kept": true, "new": false][$0] }
        }
        let stable = fields.optional("stable") { try $0.quota() }
        guard let session, let downtime else { return nil }
        var plan = ChurnPlan(session: session, downtime: downtime)
        if let keepsIdentity { plan.keepsIdentity = keepsIdentity }
        if let stable { plan.stable = stable }
        return plan
    }

    private func distribution(_ place: YAMLPlace) throws -> Distribution {
        if place.node.scalar != nil { return .constant(try place.positiveLength()) }
        let (kind, value) = try place.single(Self.distributions, example: "{exponential: 1h}")
        switch kind {
        case "constant": return .constant(try value.positiveLength())
        case "uniform":
            let (low, high) = try range(value)
            guard high > .zero else { throw value.problem("'\(value.name)' takes a length above 0s") }
            return .uniform(low, high)
        case "exponential": return .exponential(mean: try value.positiveLength())
        case "weibull":
            let (shape, scale) = try shaped(
                value,
                "shape",
                "scale",
                example: "{shape: 0.52, scale: 1.94h}"
            )
            return .weibull(shape: shape, scale: scale)
        case "pareto":
            let (shape, scale) = try shaped(value, "shape", "scale", example: "{shape: 2, scale: 1h}")
            guard shape > 1 else {
                throw value.problem("'\(value.name)' takes a shape above 1: it has no mean below")
            }
            return .pareto(shape: shape, scale: scale)
        case "lognormal":
            let (sigma, median) = try shaped(
                value,
                "sigma",
                "median",
                example: "{median: 1h, sigma: 1.2}"
            )
            return .lognormal(median: median, sigma: sigma)
        default: return .trace(try trace(value))
        }
    }

    /// A factor and a length, both needed.
    private func shaped(
        _ place: YAMLPlace,
        _ factorKey: String,
        _ lengthKey: String,
        example: String
    ) throws -> (Double, Duration) {
        let fields = try place.fields([factorKey, lengthKey], example: example)
        let factor = fields.required(factorKey) { try $0.positive() }
        let length = fields.required(lengthKey) { try $0.positiveLength() }
        return (factor ?? 2, length ?? .seconds(1))
    }

    /// Measured lengths: a list, or a file with a length or a number of seconds a line.
    private func trace(_ place: YAMLPlace) throws -> [Duration] {
        var lengths: [Duration] = []
        if place.node.sequence != nil {
            for item in try place.list() { lengths.append(try item.length()) }
        } else {
            for (line, text) in try data(place) {
                let seconds = Quantities.scaled(text, by: 1_000_000_000).map { Duration.nanoseconds($0) }
                guard let length = seconds ?? Quantities.length(text), length <= Quantities.lengthMax else {
                    throw place.problem(
                        "line \(line) of the trace: '\(text)' is no number of seconds and no length"
                    )
                }
                lengths.append(length)
            }
        }
        guard (1...ScenarioLimits.traceCountMax).contains(lengths.count),
            lengths.contains(where: { $0 > .zero })
        else {
            throw place.problem("a trace has 1 to \(ScenarioLimits.traceCountMax) lengths, not all zero")
        }
        return lengths
    }

    /// The lines of a file that the scenario names, without comments.
    private func data(_ place: YAMLPlace) throws -> [(line: Int, text: String)] {
        let path = try place.word()
        guard let text = loadFile(path) else {
            throw place.problem("the file '\(path)' cannot be read")
        }
        return text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
            index,
            line in
            let line = line.trimmed
            return line.isEmpty || line.hasPrefix("#") ? nil : (index + 1, line)
        }
    }
}

extension StringProtocol {
    /// Without the blanks around it.
    var trimmed: String {
        let isBlank = { (character: Character) in character.isWhitespace }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
