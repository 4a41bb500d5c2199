/// Why a command did not do what was asked: what is wrong, what to do, and the exit code that says which kind it is.
struct CommandFailure: Error {
    enum Kind: Int32 {
        /// It did not work.
        case failed = 1
        /// The command line, a setting or a file makes no sense.
        case usage = 2
        /// No node is running in this home.
        case notRunning = 3
    }

    let kind: Kind
    let message: String
    let hint: String?

    init(_ kind: Kind = .failed, _ message: String, hint: String? = nil) {
        (self.kind, self.message, self.hint) = (kind, message, hint)
    }

    /// A failure about which everything has been printed already.
    static let silent = CommandFailure(.failed, "")
}
