internal import Foundation
package import Glibc

/// Starts a program in a process group of its own, with three files and no other of ours, and signals as at a login.
///
/// The thread that asks may block signals and the node ignores some; a program that inherited that could not be ended. Whoever starts one
/// takes its status with `waitpid`. Foundation's `Process` does none of this, and keeps what a task has waited for.
package enum SpawnedProgram {
    /// Why a program did not start, as words that continue its name.
    package struct Failure: Error, Hashable, CustomStringConvertible {
        package let code: Int32

        package init(code: Int32) { self.code = code }

        /// Whether the machine, not the program, is the reason: it may start in a while.
        package var isTemporary: Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, ENOSPC].contains(code) }

        package var description: String {
            switch code {
            case ENOENT: "is not installed"
            case EACCES: "may not be run"
            case ENOEXEC: "is no program of this machine; a script begins with #! and the path of what reads it"
            case EAGAIN, ENOMEM: "cannot be started: too many programs run, or memory is short"
            case EMFILE, ENFILE: "cannot be started: too many files are open"
            case ECANCELED: "was not started: the node stops"
            case ENOSPC: "cannot be started: the disk is full"
            default: "cannot be started (system error \(code))"
            }
        }
    }

    /// The three files of a program; `nil` is nowhere.
    package struct Files {
        var input: Int32?
        var output: Int32?
        var complaints: Int32?

        package init(input: Int32? = nil, output: Int32? = nil, complaints: Int32? = nil) {
            (self.input, self.output, self.complaints) = (input, output, complaints)
        }
    }

    /// How long to wait while the program's file is being written: a driver update takes its time.
    private static let busyMicroseconds: UInt32 = 5_000

    /// Starts `path`, a path or a name that is looked up on `PATH`; gives its process number, which is its group's, too.
    ///
    /// Without an environment it gets ours. Until `deadline` it is tried again while somebody writes the program's file.
    package static func start(
        path: String,
        arguments: [String],
        environment: [String: String]? = nil,
        files: Files,
        until deadline: ContinuousClock.Instant
    ) -> Result<pid_t, Failure> {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        guard unsafe posix_spawn_file_actions_init(&actions) == 0 else { return .failure(Failure(code: ENOMEM)) }
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        guard unsafe posix_spawnattr_init(&attributes) == 0 else { return .failure(Failure(code: ENOMEM)) }
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        let prepared: [Int32] = unsafe [
            give(files.input, as: STDIN_FILENO, O_RDONLY, &actions),
            give(files.output, as: STDOUT_FILENO, O_WRONLY, &actions),
            give(files.complaints, as: STDERR_FILENO, O_WRONLY, &actions),
            closeAll(from: STDERR_FILENO + 1, &actions),
            prepare(&attributes),
        ]
        if let code = prepared.first(where: { $0 != 0 }) { return .failure(Failure(code: code)) }
        let variables = (environment ?? ProcessInfo.processInfo.environment).map { "\($0.key)=\($0.value)" }.sorted()
        while true {
            var process: pid_t = 0
            let code = unsafe withCStrings([path] + arguments) { arguments in
                unsafe withCStrings(variables) { variables in
                    unsafe posix_spawnp(&process, path, &actions, &attributes, arguments, variables)
                }
            }
            if code == 0 { return .success(process) }
            guard code == ETXTBSY, ContinuousClock.now < deadline else { return .failure(Failure(code: code)) }
            usleep(busyMicroseconds)
        }
    }

    /// Nothing else of ours is open in the program, neither what Foundation and others open without O_CLOEXEC nor what other threads open
    /// meanwhile: a workload that outlives the node must not hold its sockets.
    private static func closeAll(from lowest: Int32, _ actions: inout posix_spawn_file_actions_t) -> Int32 {
        unsafe closeFrom?(&actions, lowest) ?? 0
    }

    /// `posix_spawn_file_actions_addclosefrom_np` of glibc 2.34 and later, which the system's Swift module does not show.
    private static let closeFrom = unsafe dlsym(nil, "posix_spawn_file_actions_addclosefrom_np").map {
        unsafe unsafeBitCast(
            $0,
            to: (@convention(c) (UnsafeMutablePointer<posix_spawn_file_actions_t>, Int32) -> Int32).self
        )
    }

    private static func give(
        _ descriptor: Int32?,
        as number: Int32,
        _ mode: Int32,
        _ actions: inout posix_spawn_file_actions_t
    ) -> Int32 {
        guard let descriptor else {
            return unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", mode, 0)
        }
        return unsafe posix_spawn_file_actions_adddup2(&actions, descriptor, number)
    }

    private static func prepare(_ attributes: inout posix_spawnattr_t) -> Int32 {
        var blocked = sigset_t()
        var standard = sigset_t()
        guard unsafe sigemptyset(&blocked) == 0, unsafe sigemptyset(&standard) == 0 else { return errno }
        for signal in [SIGPIPE, SIGXFSZ, SIGTERM, SIGINT, SIGHUP] {
            guard unsafe sigaddset(&standard, signal) == 0 else { return errno }
        }
        let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        let results: [Int32] = unsafe [
            posix_spawnattr_setflags(&attributes, Int16(flags)), posix_spawnattr_setpgroup(&attributes, 0),
            posix_spawnattr_setsigmask(&attributes, &blocked), posix_spawnattr_setsigdefault(&attributes, &standard),
        ]
        return results.first { $0 != 0 } ?? 0
    }

    private static func withCStrings(
        _ texts: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Int32
    ) -> Int32 {
        let copies = unsafe texts.map { unsafe strdup($0) } + [nil]
        defer { unsafe copies.forEach { unsafe free($0) } }
        return unsafe copies.withUnsafeBufferPointer { pointer in
            unsafe pointer.baseAddress.map { unsafe body($0) } ?? EINVAL
        }
    }
}
