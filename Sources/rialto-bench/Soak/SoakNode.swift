import Foundation
import LocalAPI

/// One real node of a soak: the program `rialto up` in a process and a home of its own.
///
/// The kernel ends the process together with the thread that started it, so all of them start on the main one.
@MainActor
final class SoakNode {
    let number: Int
    let home: String
    let client: APIClient
    private(set) var address = ""
    private(set) var peer = ""
    private let program: String
    private var process: ChildProcess?

    init(number: Int, program: String, folder: String) throws {
        (self.number, self.program) = (number, program)
        home = "\(folder)/\(number)"
        client = APIClient(socketPath: home + "/api.sock")
        try FileManager.default.createDirectory(
            atPath: home,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    /// Starts the process and returns when the node is ready.
    ///
    /// It meets `seeds`, and afterwards listens where it listened before.
    func start(seeds: [String]) throws {
        let listen = address.isEmpty ? "/ip4/127.0.0.1/tcp/0" : Self.withoutPeer(address)
        let arguments = [
            program, "up", "--json", "--home", home, "--network", "soak", "--listen", listen, "--api", "off",
        ]
        let process = try ChildProcess(
            arguments + seeds.flatMap { ["--bootstrap", $0] },
            environment: [:],
            complaints: home + "/complaints.log"
        )
        self.process = process
        var text = ""
        while !text.contains("\"ready\"") {
            guard let piece = process.moreOutput() else {
                let complaints = try? String(contentsOfFile: home + "/complaints.log", encoding: .utf8)
                throw BenchFailure("node \(number) ended at its start: \(complaints ?? "")")
            }
            text += piece
        }
        struct Line: Decodable {
            let event: String
            let address: String?
        }
        let lines = text.split(separator: "\n").compactMap { try? JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        guard let heard = lines.first(where: { $0.event == "listening" })?.address else {
            throw BenchFailure("node \(number) listens nowhere")
        }
        address = heard
        peer = heard.split(separator: "/").last.map(String.init) ?? ""
    }

    var isRunning: Bool { process?.isRunning ?? false }

    func facts() throws -> ChildProcess.Facts {
        guard let process else { throw BenchFailure("node \(number) does not run") }
        return try process.facts()
    }

    /// An orderly end, which says goodbye.
    func stop() { process?.stop(within: .seconds(20)) }

    private static func withoutPeer(_ address: String) -> String {
        guard let end = address.range(of: "/p2p/") else { return address }
        return String(address[..<end.lowerBound])
    }
}
