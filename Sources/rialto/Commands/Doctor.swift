internal import ArgumentParser
internal import LocalAPI
internal import Primitives
internal import Storage

/// The command `rialto doctor`.
struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say what is wrong with this node and how to mend it.",
        discussion: """
            Looks at the home, the key, the disk, both databases, settings, limits, clock and GPUs, and, if the node runs, at its \
            peers and its health; if not, at its ports. Changes nothing. Exit code 0 if nothing is wrong, 1 if something is.

            Example: rialto doctor --json
            """
    )

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let home = options.directory
        let findings = HomeChecks(home: home).findings + MachineChecks(home: home).findings + (await node(home))
        for finding in findings {
            if options.json { print(JSONFormat.text(finding)) } else { show(finding) }
        }
        let wrong = findings.count { $0.state == .wrong }
        if !options.json {
            print(
                wrong == 0 ? "nothing is wrong" : "\(wrong) of \(findings.count.counted("check")) found something wrong"
            )
        }
        if wrong > 0 { throw CommandFailure.silent }
    }

    private func node(_ home: String) async -> [Finding] {
        do {
            return NodeChecks(status: try await options.client.send("GET", "/v1/status", expecting: StatusView.self))
                .findings
        } catch let failure as CommandFailure where failure.kind == .notRunning {
            guard !HomeLock.isHeld(in: home) else {
                return [
                    .wrong(
                        "node",
                        "a process holds \(home) and does not answer",
                        remedy: "wait if it just starts; else look at its log, and end it"
                    )
                ]
            }
            let ports = (try? NodeSettings.read(home: home, configPath: nil, flags: [:])).map {
                PortChecks(settings: $0).findings
            }
            return [.note("node", "no node runs in this home", remedy: "rialto up")] + (ports ?? [])
        } catch {
            return [.wrong("node", "the node does not answer as it should: \(error)", remedy: "restart it")]
        }
    }

    private func show(_ finding: Finding) {
        let mark = finding.state == .wrong ? Terminal.strong("WRONG") : finding.state.rawValue
        print(
            "\(mark)\(String(repeating: " ", count: 7 - finding.state.rawValue.count))\(Table.harmless("\(finding.check): \(finding.message)"))"
        )
        if let remedy = finding.remedy { print("       → \(Table.harmless(remedy))") }
    }
}
