internal import Kademlia
internal import Primitives
internal import Swarm

// Whom the operator shuts out, and what may change while the node runs.
extension NodeMachine {
    func tellBans(_ id: CommandID, into outputs: inout [Output]) {
        outputs.append(.answer(id, .bans(bans.ownBans, configured: bans.configuredBans)))
    }

    mutating func add(_ ban: Ban, _ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard bans.add(ban, at: wall.unixMilliseconds(at: now)) else {
            outputs.append(.answer(id, .failed(.tooMany(limit: BanList.countMax))))
            return
        }
        enforceBans(at: now, into: &outputs)
        keepBans(id, into: &outputs)
    }

    mutating func remove(_ target: BanTarget, _ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard bans.remove(target) else {
            outputs.append(.answer(id, .failed(.notBanned)))
            return
        }
        enforceBans(at: now, into: &outputs)
        keepBans(id, into: &outputs)
    }

    /// Tells everybody who judges peers and what they have signed.
    private mutating func enforceBans(at now: Instant, into outputs: inout [Output]) {
        dropBanned(at: now)
        work.append(.swarm(.setBans(bans.effective)))
        stepKademlia(.validator(storefrontValues), at: now, into: &outputs)
    }

    var storefrontValues: StorefrontValues { StorefrontValues(network: config.network, own: peer, bans: bans) }

    /// In force at once; the command is answered when it is durable.
    private mutating func keepBans(_ id: CommandID, into outputs: inout [Output]) {
        let change = StoreChange.setFact(name: BanBook.factName, value: bans.stored)
        outputs.append(.persist(tickets.draw(for: .command(id)), [change]))
    }

    mutating func tune(_ tuning: NodeTuning, _ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard tuning.isSensible else {
            outputs.append(.answer(id, .failed(.senseless)))
            return
        }
        bans.configure(tuning.banned, allowing: tuning.allowed)
        enforceBans(at: now, into: &outputs)
        work.append(.swarm(.setWaterMarks(low: tuning.connectionsLow, high: tuning.connectionsHigh)))
        outputs.append(.answer(id, .done))
    }
}
