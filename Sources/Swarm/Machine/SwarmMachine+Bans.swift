internal import Identity
internal import OrderedCollections
internal import Primitives

// Whom the operator shuts out: nothing of them is read, nothing is dialled.
extension SwarmMachine {
    /// Takes a new list and closes the connections that it forbids.
    mutating func setBans(_ list: BanList, at now: Instant) {
        bans = list
        for id in connections.keys.sorted() {
            guard let connection = connections[id], isBanned(connection.peer, connection.remote.address, at: now) else {
                continue
            }
            close(id, .banned, at: now)
        }
    }

    func isBanned(_ peer: PeerID?, _ address: IPAddress?, at now: Instant) -> Bool {
        guard let clockOffset else { return false }
        let (wall, overflow) = clockOffset.addingReportingOverflow(now.nanoseconds / 1_000_000)
        return !overflow && bans.ban(of: peer, at: address, unixMilliseconds: wall) != nil
    }
}
