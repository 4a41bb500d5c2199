internal import CSodium

/// The one gate to libsodium: it must be initialised once before anything else is called.
enum Sodium {
    private static let isReady = sodium_init() >= 0

    static func initialize() {
        precondition(isReady, "libsodium could not be initialised: the system gives no randomness")
    }
}
