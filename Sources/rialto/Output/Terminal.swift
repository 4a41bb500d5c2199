internal import Foundation
internal import Glibc

/// Where people read: standard output for answers, standard error for complaints.
enum Terminal {
    /// Colour is for people: not for pipes, nor where `NO_COLOR` is set (no-color.org).
    static var hasColour: Bool {
        let environment = ProcessInfo.processInfo.environment
        return isatty(STDOUT_FILENO) == 1 && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// Whether somebody sits in front of the program; no longer once the terminal is gone.
    static var isAttached: Bool { isatty(STDIN_FILENO) == 1 }

    static func faint(_ text: String) -> String {
        hasColour ? "\u{1b}[2m\(text)\u{1b}[0m" : text
    }

    static func strong(_ text: String) -> String {
        hasColour ? "\u{1b}[1m\(text)\u{1b}[0m" : text
    }

    /// One line of an answer, written at once: a program behind a pipe reads it now.
    ///
    /// A reader that has seen enough (`rialto search | head -1`) ends the command without a word, as pipes do.
    static func say(_ text: String) {
        guard (try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))) != nil else {
            exit(128 + SIGPIPE)
        }
    }

    /// One line of what a node reports; a node outlives its reader.
    static func report(_ text: String) {
        try? FileHandle.standardOutput.write(contentsOf: Data((text + "\n").utf8))
    }

    static func complain(_ text: String) {
        try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8))
    }
}

/// Every answer of the program goes through here, unbuffered.
func print(_ line: String) {
    Terminal.say(line)
}
