internal import Glibc

/// A program that gets a fixed time and a fixed amount of output, then is ended with everything it started.
struct BoundedProgram {
    enum Outcome {
        /// The exit code, or 128 + the signal that ended it, and what it wrote to standard output.
        case exited(code: Int, output: [UInt8])
        /// It could not be started, took too long or wrote too much; a sentence that continues the program's name.
        case failed(String)
    }

    /// A path, or a name that is looked up on `PATH`.
    let path: String
    let arguments: [String]

    /// Runs the program without input and without its error output, and waits.
    ///
    /// It leads a process group of its own, so that what a script started goes with it.
    func run(timeout: Duration, outputByteCountMax: Int) -> Outcome {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { return .failed("cannot be given a pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let deadline = ContinuousClock.now + timeout
        let started = SpawnedProgram.start(
            path: path,
            arguments: arguments,
            files: SpawnedProgram.Files(output: ends[1]),
            until: deadline
        )
        close(ends[1])
        defer { close(ends[0]) }
        let process: pid_t
        switch started {
        case .success(let started): process = started
        case .failure(let failure): return .failed(failure.description)
        }
        let reading = read(ends[0], until: deadline, byteCountMax: outputByteCountMax)
        guard case .success(let output) = reading.output else {
            end(process)
            return .failed(reading.reason)
        }
        guard let code = wait(for: process, until: deadline) else { return .failed(Self.lateness) }
        return .exited(code: code, output: output)
    }

    private static let lateness = "did not answer in time"
    /// How often an ending program is looked at: a fraction of what starting it costs.
    private static let waitMicroseconds: UInt32 = 5_000

    private struct Refusal: Error {}

    private struct Reading {
        var output: Result<[UInt8], Refusal>
        var reason = ""
    }

    /// Reads to the end of the pipe, at most until a deadline.
    private func read(_ descriptor: Int32, until deadline: ContinuousClock.Instant, byteCountMax: Int) -> Reading {
        var output: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4_096)
        while true {
            let milliseconds = (deadline - ContinuousClock.now) / .milliseconds(1)
            guard milliseconds > 0 else { return Reading(output: .failure(Refusal()), reason: Self.lateness) }
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&entry, 1, Int32(min(milliseconds.rounded(.up), 60_000)))
            if ready == 0 || (ready < 0 && errno == EINTR) { continue }
            let count = ready < 0 ? -1 : unsafe Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, ready > 0, errno == EINTR { continue }
            guard count >= 0 else { return Reading(output: .failure(Refusal()), reason: "could not be read") }
            guard count > 0 else { return Reading(output: .success(output)) }
            output += chunk[..<count]
            guard output.count <= byteCountMax else {
                return Reading(output: .failure(Refusal()), reason: "wrote more than \(byteCountMax) bytes")
            }
        }
    }

    /// The exit code of a program that closed its output; at the deadline its whole group is ended, and it has none.
    private func wait(for process: pid_t, until deadline: ContinuousClock.Instant) -> Int? {
        var status: Int32 = 0
        while true {
            let ended = unsafe waitpid(process, &status, WNOHANG)
            if ended == process { break }
            if ended < 0, errno != EINTR { return nil }
            guard ContinuousClock.now < deadline else {
                end(process)
                return nil
            }
            usleep(Self.waitMicroseconds)
        }
        let signal = status & 0x7F
        return signal == 0 ? Int(status >> 8 & 0xFF) : 128 + Int(signal)
    }

    /// Ends the group, which keeps its number until its leader's status is taken.
    private func end(_ process: pid_t) {
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}
