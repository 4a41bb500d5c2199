internal import Foundation
internal import Glibc

/// Starts a program in a process group of its own, with nothing to read, its errors dropped and signals as at a login.
///
/// The thread that asks may block signals and the node ignores some; a program that inherited that could not be ended.
enum SpawnedProgram {
    struct Failure: Error, CustomStringConvertible {
        let code: Int32

        var description: String {
            switch code {
            case ENOENT: "is not installed"
            case EACCES: "may not be run"
            default: "cannot be started (system error \(code))"
            }
        }
    }

    /// How long to wait while the program's file is being written: a driver update takes its time.
    private static let busyMicroseconds: UInt32 = 5_000

    /// Starts `path`, which writes to the descriptor `output`; gives its process and group number.
    static func start(
        path: String,
        arguments: [String],
        output: Int32,
        until deadline: ContinuousClock.Instant
    ) -> Result<pid_t, Failure> {
        var actions = unsafe posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        guard unsafe posix_spawn_file_actions_init(&actions) == 0 else { return .failure(Failure(code: ENOMEM)) }
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        guard unsafe posix_spawnattr_init(&attributes) == 0 else { return .failure(Failure(code: ENOMEM)) }
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        let prepared: [Int32] = unsafe [
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0),
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO),
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0),
            prepare(&attributes),
        ]
        if let code = prepared.first(where: { $0 != 0 }) { return .failure(Failure(code: code)) }
        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }.sorted()
        while true {
            var process: pid_t = 0
            let code = unsafe withCStrings([path] + arguments) { arguments in
                unsafe withCStrings(environment) { environment in
                    unsafe posix_spawnp(&process, path, &actions, &attributes, arguments, environment)
                }
            }
            if code == 0 { return .success(process) }
            guard code == ETXTBSY, ContinuousClock.now < deadline else { return .failure(Failure(code: code)) }
            usleep(busyMicroseconds)
        }
    }

    private static func prepare(_ attributes: inout posix_spawnattr_t) -> Int32 {
        var blocked = sigset_t()
        var standard = sigset_t()
        guard unsafe sigemptyset(&blocked) == 0, unsafe sigemptyset(&standard) == 0 else { return errno }
        for signal in [SIGPIPE, SIGTERM, SIGINT, SIGHUP] {
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
