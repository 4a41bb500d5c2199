extension GossipRPC {
    /// The RPC as a receiver with these limits would have decoded it; throws where its decoder does.
    ///
    /// For whoever delivers RPCs without encoding them.
    public func bounded(by limits: RPCLimits) throws(GossipRPCError) -> GossipRPC {
        // Nearly every RPC is one message: only its length can be too much.
        if messages.count == 1 && isMessagesAlone && limits.messageCountMax > 0 {
            let byteCount = messages[0].fieldByteCount
            guard byteCount <= limits.byteCountMax else { throw .oversized(byteCount: byteCount) }
            return self
        }
        let byteCount = byteCount
        guard byteCount <= limits.byteCountMax else { throw .oversized(byteCount: byteCount) }
        var bounded = self
        if subscriptions.count > limits.subscriptionCountMax {
            bounded.subscriptions = Array(subscriptions.prefix(limits.subscriptionCountMax))
        }
        if messages.count > limits.messageCountMax {
            bounded.messages = Array(messages.prefix(limits.messageCountMax))
        }
        if !control.isEmpty && !control.isWithin(limits) { bounded.control = control.bounded(by: limits) }
        return bounded
    }
}

extension ControlMessage {
    /// Tag and length of an entry.
    private static let entryOverheadByteCount = 2

    /// Whether no limit leaves anything of it out; nearly always so, and then nothing need be copied.
    fileprivate func isWithin(_ limits: RPCLimits) -> Bool {
        // On the wire an id takes no less than the budget counts for it.
        guard fieldsByteCount <= limits.gossipByteCountMax, graft.count <= limits.meshControlCountMax, prune.isEmpty,
            choke.count <= limits.meshControlCountMax, unchoke.count <= limits.meshControlCountMax,
            ihave.allSatisfy({ !$0.ids.isEmpty })
        else { return false }
        return [iwant, idontwant].allSatisfy(\.areAllNamed) && ihave.allSatisfy(\.ids.areAllNamed)
    }

    fileprivate func bounded(by limits: RPCLimits) -> ControlMessage {
        var budget = limits.gossipByteCountMax
        func kept(_ ids: [MessageID]) -> [MessageID] {
            if ids.isEmpty { return [] }
            budget -= Self.entryOverheadByteCount
            return ids.filter { id in
                guard budget > 0 else { return false }
                budget -= id.byteCount + Self.entryOverheadByteCount
                return budget >= 0 && id.byteCount > 0
            }
        }
        var bounded = ControlMessage(extensions: extensions)
        for entry in ihave {
            budget -= entry.topic.text.utf8.count
            let ids = kept(entry.ids)
            if !ids.isEmpty { bounded.ihave.append(IHave(topic: entry.topic, ids: ids)) }
        }
        bounded.iwant = kept(iwant)
        bounded.graft = Array(graft.prefix(limits.meshControlCountMax))
        bounded.prune = prune.prefix(limits.meshControlCountMax).map { $0.bounded(by: limits) }
        bounded.idontwant = kept(idontwant)
        bounded.choke = Array(choke.prefix(limits.meshControlCountMax))
        bounded.unchoke = Array(unchoke.prefix(limits.meshControlCountMax))
        return bounded
    }
}

extension Prune {
    fileprivate func bounded(by limits: RPCLimits) -> Prune {
        let peers = peers.filter { info in
            (1...limits.recordByteCountMax).contains(info.peer.count)
                && (1...limits.recordByteCountMax).contains(info.record.count)
        }
        return Prune(
            topic: topic,
            backoffSeconds: min(max(0, backoffSeconds), RPCLimits.backoffSecondsMax),
            peers: Array(peers.prefix(limits.exchangeCountMax))
        )
    }
}

extension [MessageID] {
    fileprivate var areAllNamed: Bool { allSatisfy { $0.byteCount > 0 } }
}
