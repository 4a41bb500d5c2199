/// What one check of the doctor found.
struct Finding: Encodable {
    enum State: String, Encodable {
        case good
        /// Worth knowing; nothing is broken.
        case note
        case wrong
    }

    /// What was looked at, one word.
    let check: String
    let state: State
    let message: String
    /// How to mend it.
    let remedy: String?

    static func good(_ check: String, _ message: String) -> Finding {
        Finding(check: check, state: .good, message: message, remedy: nil)
    }

    static func note(_ check: String, _ message: String, remedy: String? = nil) -> Finding {
        Finding(check: check, state: .note, message: message, remedy: remedy)
    }

    static func wrong(_ check: String, _ message: String, remedy: String) -> Finding {
        Finding(check: check, state: .wrong, message: message, remedy: remedy)
    }
}
