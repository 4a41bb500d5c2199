internal import DequeModule
internal import OrderedCollections
internal import Primitives

extension YamuxMachine {
    /// Traps where the machine contradicts itself; free in release builds.
    ///
    /// For tests and the simulator.
    public func checkInvariants() {
        #if DEBUG
        for (stream, value) in streams.elements { checkInvariants(of: value, stream) }
        let values = streams.values
        precondition(inboundStreamCount == values.count { $0.isInbound })
        precondition(inboundStreamCount <= config.inboundStreamCountMax)
        precondition(streamCount - inboundStreamCount <= config.outboundStreamCountMax)
        precondition(unacknowledgedStreamCount == values.count { $0.isUnacknowledged })
        precondition(unacknowledgedStreamCount <= config.ackBacklogMax)
        precondition(unreadByteCount == values.reduce(0) { $0 + $1.unread })
        precondition(unreadByteCount <= config.unreadByteCountMax)
        precondition(queuedByteCount == values.reduce(0) { $0 + $1.queue.count })
        precondition(queuedByteCount <= config.queuedByteCountMax)
        let initial = YamuxConfig.initialWindowByteCount
        precondition(windowGrowthByteCount == values.reduce(0) { $0 + $1.window - initial })
        precondition(windowGrowthByteCount <= config.windowGrowthByteCountMax)
        precondition(turns.count == values.count { $0.isInTurn })
        precondition(turns.allSatisfy { streams[$0]?.isInTurn == true })
        precondition(deliveries.isEmpty, "bytes are reported in the step that received them")
        precondition(outgoing.count <= config.controlFrameCountMax * YamuxHeader.byteCount)
        precondition(outgoing.isEmpty || isTransportCongested)
        precondition(openedByRemote.skippedCount <= YamuxOpenedStreams.skippedCountMax)
        #endif
    }

    private func checkInvariants(of value: YamuxStream, _ stream: YamuxStreamID) {
        let onItsWay = payload?.stream == stream ? reader.payloadRemaining : 0
        precondition(
            value.receiveWindow + value.unread + value.uncredited + onItsWay == value.window,
            "the window of stream \(stream) has lost or won bytes"
        )
        precondition(value.window <= config.windowByteCountMax)
        precondition(value.receiveWindow >= 0 && value.sendWindow >= 0 && value.unread >= 0)
        precondition(value.isInbound != role.opens(stream))
        precondition(!value.isFinished, "stream \(stream) has ended and stays in the table")
        precondition(value.isInTurn == value.isSendable, "stream \(stream) waits without a turn")
        precondition(value.queue.count <= config.streamSendBufferByteCountMax)
    }
}
