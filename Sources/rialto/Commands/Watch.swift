internal import ArgumentParser
internal import Foundation
internal import LocalAPI

/// The command `rialto watch`.
struct Watch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follow a search, and run a program with every change.",
        discussion: """
            The program gets the change as one JSON object on standard input: change (appeared, changed or gone), provider, offer_id, and \
            row, as 'rialto search --json' prints it. One change after the other; a program that takes longer than --timeout is ended. \
            Its exit code is printed; it does not end the watch.

            Examples:
              rialto watch 'gpu=rtx-4090 price<=0.30' --run /usr/local/bin/tell-me
              rialto watch 'gpu=h100 trust>=0.5' --run /bin/sh -- -c 'jq -r .provider >> seen.txt'
              rialto watch 'gpu=h100 price<=1.50' --on appeared --once --run /usr/local/bin/bid
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The query, as 'rialto search' takes it.")
    var query: String

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The program to run with each change.", valueName: "program")
    )
    var program: String

    @Option(help: "Which changes: appeared, changed, gone; may be repeated (default: all).")
    var on: [String] = []

    @Option(help: "How long the program may take.")
    var timeout = "60s"

    @Flag(help: "End with the first change, and with the program's exit code if that is not 0.")
    var once = false

    @Argument(parsing: .postTerminator, help: "Arguments of the program, behind --.")
    var arguments: [String] = []

    func run() async throws {
        let kinds = try on.map { text in
            guard let kind = WatchedChange.Change(rawValue: text) else {
                throw CommandFailure(.usage, "--on '\(text)' is none of: appeared, changed, gone")
            }
            return kind
        }
        guard let seconds = Amounts.seconds(timeout), seconds > 0 else {
            throw CommandFailure(.usage, "--timeout '\(timeout)' is no span of time", hint: "write 30s")
        }
        guard program.hasPrefix("/"), FileManager.default.isExecutableFile(atPath: program) else {
            throw CommandFailure(
                .usage,
                "--run '\(program)' is no program",
                hint: "give the absolute path of one that may be run"
            )
        }
        let changes = AsyncStream.makeStream(of: WatchedChange.self, bufferingPolicy: .bufferingNewest(1_024))
        let (client, text, found) = (options.client, query, changes.continuation)
        let watching = Task {
            defer { found.finish() }
            try await client.watch(query: ["q": text]) { change in
                if kinds.isEmpty || kinds.contains(change.change) { found.yield(change) }
            }
        }
        defer { watching.cancel() }
        for await change in changes.stream {
            let code = try await call(change, timeout: .seconds(seconds))
            guard !once else {
                // A program that was ended has no code of its own.
                if code != 0 { throw ExitCode(code ?? 1) }
                return
            }
        }
        try await watching.value
    }

    private struct Line: Encodable {
        let change: String
        let provider: String
        let offerID: String
        /// Absent if a signal or the time ended the program.
        let exitCode: Int32?
    }

    private func call(_ change: WatchedChange, timeout: Duration) async throws -> Int32? {
        let variables = ProcessInfo.processInfo.environment
        let result: HookProcess.Result
        do {
            result = try await HookProcess.run(
                [program] + arguments,
                input: JSONFormat.encode(change),
                environment: variables,
                timeout: timeout
            )
        } catch { throw CommandFailure(.failed, "\(program) \(error)") }
        let code = result.timedOut ? nil : result.exitCode
        if !result.complaint.isEmpty { Terminal.complain(Table.harmless(result.complaint)) }
        if options.json {
            let line = Line(
                change: change.change.rawValue,
                provider: change.provider,
                offerID: change.offerID,
                exitCode: code
            )
            print(JSONFormat.text(line))
        } else {
            let ending = code.map { "exit code \($0)" } ?? (result.timedOut ? "took too long" : "ended by a signal")
            print("\(change.change.rawValue)  \(change.provider)/\(change.offerID.prefix(8))  \(ending)")
        }
        return code
    }
}
