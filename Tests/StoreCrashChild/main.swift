import Glibc
import Node
import Storage

/// Prints a line at once; `print` has a buffer that would die with the process.
func say(_ text: String) {
    let line = Array("\(text)\n".utf8)
    guard unsafe write(STDOUT_FILENO, line, line.count) == line.count else { exit(68) }
}

// A process that writes to a store and is not let finish: `StoreCrashChild <home>` until it is killed,
// `StoreCrashChild <home> <bytes>` until a file would grow beyond these bytes, `StoreCrashChild <folder> <fault>` in one home after the
// other, until every write has failed once.
do {
    switch CommandLine.arguments.count {
    case 2: try UnendingLife(directory: CommandLine.arguments[1]).run()
    case 3:
        let (directory, choice) = (CommandLine.arguments[1], CommandLine.arguments[2])
        if let fault = FaultyDisk.Fault(rawValue: choice) {
            try FaultyLives(directory: directory, fault: fault).run()
        } else {
            guard let byteCount = UInt64(choice) else { exit(64) }
            try LimitedLife(directory: directory, fileByteCountMax: byteCount).run()
        }
    default: exit(64)
    }
} catch {
    say("failed: \(error)")
    exit(67)
}
