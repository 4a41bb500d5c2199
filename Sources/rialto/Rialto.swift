internal import ArgumentParser
internal import Glibc
internal import LocalAPI

/// The root of the command line.
struct Rialto: AsyncParsableCommand {
    static let version = "rialto 0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "rialto",
        abstract: "A market for GPUs without a server: every participant runs a node, and the nodes are the market.",
        discussion: """
            Begin with a whole market on this machine:
              rialto demo

            Run a node, offer two GPUs and look at the market:
              rialto up --bootstrap /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…
              rialto offer publish --gpu rtx-4090:2 --price 0.35
              rialto search 'gpu=rtx-4090 count>=2 price<=0.40'

            Rent what was found, look at it, and end it:
              rialto bid place 3fa2 --for 4h --image ubuntu:24.04
              rialto lease list
              rialto lease close 5be1

            Look after a node:
              rialto doctor
              rialto ban add 203.0.113.7 --for 24h
              rialto backup node-backup.sqlite

            Exit codes: 0 done, 1 it did not work, 2 wrong usage, 3 no node is running.
            """,
        version: version,
        subcommands: [
            Up.self, Down.self, Demo.self, Identify.self, Status.self, Peers.self, DHT.self, GPU.self, Offer.self,
            Search.self, Watch.self, Stats.self, BookCommand.self, Bid.self, Request.self, LeaseCommand.self,
            Credit.self,
            Trust.self, Attest.self,
            RecordCommand.self, BanCommand.self, Backup.self, Doctor.self, Key.self, Config.self, Sim.self,
        ]
    )
}

/// Maps what went wrong to an exit code.
@main enum Program {
    static func main() async {
        // A reader that goes away is an error of writing, not the end of the node.
        _ = signal(SIGPIPE, SIG_IGN)
        // A file that may not grow is an error of writing too (setrlimit(2)).
        _ = signal(SIGXFSZ, SIG_IGN)
        do {
            var command = try Rialto.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            exit(code(of: error))
        }
    }

    private static func code(of error: any Error) -> Int32 {
        switch error {
        case let failure as CommandFailure: return report(failure)
        case let code as ExitCode: return code.rawValue
        case let error as APIError:
            let kind: CommandFailure.Kind = error.code == .badRequest ? .usage : .failed
            return report(CommandFailure(kind, error.message, hint: error.hint))
        case APIClientError.broken(let reason):
            return report(CommandFailure(.failed, "the node stopped answering: \(reason)"))
        default: break
        }
        let code = Rialto.exitCode(for: error)
        let message = Rialto.fullMessage(for: error)
        if code.isSuccess {
            print(message)
        } else if !message.isEmpty {
            Terminal.complain(message)
        }
        return code == .validationFailure ? CommandFailure.Kind.usage.rawValue : code.rawValue
    }

    private static func report(_ failure: CommandFailure) -> Int32 {
        if !failure.message.isEmpty { Terminal.complain("error: \(failure.message)") }
        if let hint = failure.hint { Terminal.complain("  \(hint)") }
        return failure.kind.rawValue
    }
}
