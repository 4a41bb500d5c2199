internal import ArgumentParser
internal import Cryptography
internal import Foundation
internal import Node
internal import Primitives
internal import Storage

/// Feeds a recorded node everything that it heard, and holds what it does against what it did.
struct RecordingReplay {
    let path: String
    let identity: String?
    let isQuiet: Bool
    let from: String?
    let until: String?

    func run(_ recording: RecordingReading) throws {
        do {
            guard let head = try recording.next() else { throw CommandFailure(.failed, "\(path) is cut off") }
            let origin = try NodeRecording.origin(head)
            if origin.programVersion != Rialto.version {
                Terminal.complain("warning: recorded by \(origin.programVersion), which may have done otherwise")
            }
            guard let node = origin.node(identity: try key()) else {
                throw CommandFailure(
                    .failed,
                    "\(path) was recorded with the key of \(origin.peer)",
                    hint: "name the home that holds it with --identity"
                )
            }
            try step(node, through: recording)
        } catch let error as RecordingError {
            throw CommandFailure(.failed, "\(path) is damaged: \(error)")
        }
    }

    private func step(_ node: NodeMachine, through recording: RecordingReading) throws {
        var (node, digest, count) = (node, OutputDigest(), 0)
        var outputs: [NodeMachine.Output] = []
        var start: Instant?
        let from = try from.map { try LimitOptions.length($0, "--from", allowsZero: true) } ?? .zero
        let until = try until.map { try LimitOptions.length($0, "--until") }
        while let entry = try recording.next() {
            let step = try NodeRecording.step(entry)
            let at = (start ?? step.at).duration(to: step.at)
            start = start ?? step.at
            if let until, at > until { break }
            node.handle(step.input, at: step.at, into: &outputs)
            digest.add(outputs)
            count += 1
            let isSame = digest.value == step.digest
            if !isSame || !isQuiet && at >= from { show(step, at, outputs) }
            outputs.removeAll(keepingCapacity: true)
            guard isSame else {
                Terminal.complain("error: step \(count) went another way than it was recorded")
                return try SimulationExit.differs.end()
            }
        }
        Terminal.complain("\(count) steps went the same way")
    }

    private func show(_ step: RecordedStep, _ at: Duration, _ outputs: [NodeMachine.Output]) {
        print(String(format: "%.6f ", at / .seconds(1)) + Table.harmless(step.text))
        for output in outputs { print("         → " + Table.harmless(output.text)) }
    }

    private func key() throws -> Ed25519.PrivateKey {
        var directory = identity ?? HomeLocation.path(flag: nil)
        if directory.hasSuffix("/identity.key") { directory.removeLast("/identity.key".count) }
        do throws(HomeError) {
            return try IdentityFile.load(directory: directory)
        } catch {
            throw CommandFailure(.failed, error.description, hint: "name the home of the recorded node with --identity")
        }
    }
}
