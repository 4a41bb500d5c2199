internal import CUV
internal import Glibc
package import Swarm

/// The streams between this process and other programs of this machine: sockets in the file system, or TCP on loopback.
///
/// Belongs to the loop's thread. What it tells may come from within `perform`; the owner queues that until it has carried out all
/// of its outputs.
@safe package final class LocalSockets {
    let loop: UVLoop
    let limits: LocalLimits
    let deliver: (LocalInput) -> Void
    let readBuffer: UnsafeMutableRawBufferPointer

    private var streams: [LocalStreamID: LocalStream] = [:]
    private var listeners: [LocalListener] = []
    private var nextAccepted: UInt64 = 1
    private var toFlush: [LocalStream] = []
    private var hook: TurnHook?

    package init(on loop: UVLoop, limits: LocalLimits = LocalLimits(), deliver: @escaping (LocalInput) -> Void) {
        (self.loop, self.limits, self.deliver) = (loop, limits, deliver)
        unsafe readBuffer = .allocate(byteCount: limits.readByteCountMax, alignment: 64)
        hook = TurnHook(on: loop) { [unowned self] in flushAll() }
    }

    deinit {
        unsafe readBuffer.deallocate()
    }

    /// Accepts whoever connects there; gives the address as it was bound.
    package func listen(at address: LocalAddress) throws(TransportFailure) -> LocalAddress {
        let listener: LocalListener
        do throws(SystemError) {
            listener = try LocalListener(at: address, for: self)
        } catch {
            throw TransportFailure(error)
        }
        listeners.append(listener)
        return listener.address
    }

    package func perform(_ output: LocalOutput) {
        switch output {
        case .connect(let id, let address): connect(id, to: address)
        case .send(let id, let bytes): streams[id]?.send(bytes)
        case .closeWrite(let id): streams[id]?.closeWrite()
        case .pauseReading(let id): streams[id]?.setReading(false)
        case .resumeReading(let id): streams[id]?.setReading(true)
        case .close(let id): streams[id]?.close()
        }
    }

    /// Closes everything; the owner then closes the loop.
    package func shutDown() {
        for listener in listeners { listener.close() }
        listeners = []
        flushAll()
        for stream in Array(streams.values) { stream.end() }
        hook?.close()
        hook = nil
    }

    /// Sends what was gathered, one write for each stream.
    package func flushAll() {
        for _ in 0..<4 where !toFlush.isEmpty {
            let streams = toFlush
            toFlush = []
            for stream in streams {
                stream.isListedForFlush = false
                stream.flush()
            }
        }
        hook?.setUrgent(!toFlush.isEmpty)
    }

    func accepted(_ descriptor: Int32) {
        let id = LocalStreamID(rawValue: nextAccepted)
        guard streams.count < limits.streamCountMax,
            let stream = LocalStream(id, descriptor: descriptor, isConnected: true, for: self)
        else {
            _ = Glibc.close(descriptor)
            return
        }
        nextAccepted += 2
        streams[id] = stream
        deliver(.accepted(id))
    }

    func forget(_ id: LocalStreamID) {
        streams[id] = nil
    }

    func listForFlush(_ stream: LocalStream) {
        guard !stream.isListedForFlush else { return }
        stream.isListedForFlush = true
        toFlush.append(stream)
    }

    private func connect(_ id: LocalStreamID, to address: LocalAddress) {
        precondition(streams[id] == nil, "two local streams are numbered alike")
        do throws(SystemError) {
            let socket = try LocalSocketDescriptor(for: address)
            let isConnected: Bool
            do throws(SystemError) {
                isConnected = try socket.connect(to: address)
            } catch {
                socket.close()
                throw error
            }
            guard
                let stream = LocalStream(id, descriptor: socket.descriptor, isConnected: isConnected, for: self)
            else {
                socket.close()
                throw SystemError(errno: ENOMEM)
            }
            streams[id] = stream
            if isConnected { deliver(.connected(id)) }
        } catch {
            deliver(.connectFailed(id, TransportFailure(error)))
        }
    }
}

/// The limits of the streams to other programs; guesses of ours.
package struct LocalLimits: Sendable {
    /// Streams that may be open at once; a program more is closed at once.
    package var streamCountMax = 4096
    /// What one read takes: more than a socket of the Unix domain holds by default (208 KiB).
    package var readByteCountMax = 256 << 10
    /// Unsent bytes above which a stream is congested, and below which it is drained.
    package var highWaterByteCount = 512 << 10
    package var lowWaterByteCount = 128 << 10
    /// Small pieces are gathered into one of this size, so that a write carries many of them.
    package var pieceByteCount = 16 << 10
    /// How often a stream whose program sends no more is looked at, in case the program is gone.
    package var goneInterval = Duration.seconds(2)
    /// The kernel's queue of programs that nobody accepted yet.
    package var backlog: Int32 = 512
    /// Programs accepted in one go.
    package var acceptsPerTurnMax = 64
    /// How long no program is accepted after the system ran out of descriptors.
    package var acceptPause = Duration.seconds(1)

    package init() {}
}
