/// Why a request is not carried out.
package enum ControlError: Error, Hashable, Sendable {
    /// Not a request at all: the program's connection is closed, as other daemons do.
    case malformed
    /// A request that is answered with an error; the words are for a human.
    case refused(String)
}
