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
        if !control.isEmpty { bounded.control = control.bounded(by: limits) }
        return bounded
    }
}

extension ControlMessage {
    /// Tag and length of an entry.
    private static let entryOverheadByteCount = 2

    fileprivate func bounded(by limits: RPCLimits) -> ControlMessage {
        var budget = limits.gossipByteCountMax
        func kept(_ ids: [MessageID]) -> [MessageID] {
            if ids.isEmpty { return [] }
            budget -= Self.entryOverheadByteCount
            return ids.filter { id in
                guard budget > 0 else { return false }
                budget -= id.bytes.count + Self.entryOverheadByteCount
                return budget >= 0 && (1...limits.idByteCountMax).contains(id.bytes.count)
            }
        }
        var bounded = ControlMessage(announcesExtensions: announcesExtensions)
        for entry in ihave {
            budget -= entry.topic.text.utf8.count
            let ids = kept(entry.ids)
            if !ids.isEmpty { bounded.ihave.append(IHave(topic: entry.topic, ids: ids)) }
        }
        bounded.iwant = kept(iwant)
        bounded.graft = Array(graft.prefix(limits.meshControlCountMax))
        bounded.prune = prune.prefix(limits.meshControlCountMax).map { $0.bounded(by: limits) }
        bounded.idontwant = kept(idontwant)
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
