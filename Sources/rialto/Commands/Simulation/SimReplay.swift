internal import ArgumentParser
internal import Laboratory
internal import Primitives
internal import Simulator

/// The command `rialto sim replay`.
struct SimReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run a scenario again up to an instant, or a recording of a real node, and show every event.",
        discussion: """
            Instants are virtual times since the start of the run, the build-up included, as verdicts name them. Each line is an \
            instant in seconds, a node, what reached it, and a number that tells such events apart (a length, a stream); or the world, and \
            what it does to whom: who starts, which fault hits which nodes.

            Examples:
              rialto sim replay Simulations/partition-heal.yaml --seed 1 --from 88s --until 90s
              rialto sim replay Simulations/partition-heal.yaml --seed 1 --from 88s --until 90s --node 17

            A recording comes from 'rialto up --record FILE'. Its inputs are fed to the node's machine again; the exit code is 4 if it \
            does anything else than it did. The key is not in the recording: --identity names it (default: the home's).
              rialto sim replay node.recording --identity ~/.local/share/rialto
            """
    )

    @Argument(help: "The scenario's file, or a recording.")
    var file: String

    @Option(help: ArgumentHelp("The run's seed.", valueName: "n"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Show events up to this instant (default: the end).", valueName: "length"))
    var until: String?

    @Option(help: ArgumentHelp("Show events from this instant on.", valueName: "length"))
    var from: String?

    @Option(help: ArgumentHelp("Show what concerns this node alone.", valueName: "n"))
    var node: Int?

    @Option(help: ArgumentHelp("Of a recording: the home whose identity.key it was, or that file.", valueName: "path"))
    var identity: String?

    @Flag(help: "Of a recording: say only whether it went the same way.")
    var quiet = false

    @OptionGroup(title: "Scenario") var scenario: ScenarioOptions

    func run() throws {
        try ScenarioOptions.checkExists(file, orElse: "; or a recording of 'rialto up --record'")
        if let recording = RecordingReading(path: file) {
            return try RecordingReplay(path: file, identity: identity, isQuiet: quiet, from: from, until: until).run(
                recording
            )
        }
        guard let seed else {
            throw CommandFailure(.usage, "a run is replayed with its seed", hint: "say which with --seed")
        }
        let file = try scenario.load(file)
        var options = scenario.simulationOptions
        let start = try from.map { try LimitOptions.length($0, "--from", allowsZero: true) } ?? .zero
        options.transcriptFrom = .zero.advanced(by: start)
        options.transcriptCountMax = .max
        let end = try until.map { try LimitOptions.length($0, "--until") } ?? file.scenario.duration
        guard start <= end else { throw CommandFailure(.usage, "--from lies behind --until") }
        let count = file.scenario.nodeCountMax
        if let node, !(0..<count).contains(node) {
            throw CommandFailure(
                .usage,
                "there is no node \(node)",
                hint: "say which from 0 to \(count - 1) with --node"
            )
        }
        var simulation = Simulation(scenario: file.scenario, seed: seed, options: options)
        var (shownCount, readCount) = (0, 0)
        while true {
            // A tenth of a second at a time, so that the first lines are seen at once.
            let limit = min(simulation.now.advanced(by: .milliseconds(100)), .zero.advanced(by: end))
            let isOver = simulation.run(until: limit)
            let lines = simulation.transcript
            for line in lines[readCount...] where node.map(line.concerns) ?? true {
                print(line.text)
                shownCount += 1
            }
            readCount = lines.count
            if isOver || limit >= .zero.advanced(by: end) { break }
        }
        if shownCount == 0 { Terminal.complain("nothing happened there") }
    }
}
