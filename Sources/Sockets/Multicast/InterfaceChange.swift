/// How the interfaces that are up differ from those that have a socket.
///
/// One that was made anew has another number, or the same number and another name. One whose address is another counts as another,
/// too: a socket of IPv4 sends from the address that the interface had when it was opened.
struct InterfaceChange: Hashable, Sendable {
    /// In the order in which they were opened.
    let gone: [NetworkInterface]
    /// In the order in which they were found.
    let new: [NetworkInterface]

    init(from open: [NetworkInterface], to found: [NetworkInterface]) {
        gone = open.filter { !found.contains($0) }
        new = found.filter { !open.contains($0) }
    }
}
