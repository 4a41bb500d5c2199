internal import Gossipsub
internal import Identity
internal import OrderedCollections
internal import Primitives
internal import Sockets
internal import Swarm

// The programs' side: who connects, asks, writes and leaves.
extension DaemonMachine {
    mutating func handle(_ input: LocalInput, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .accepted(let id): programs[id] = Program()
        case .connected(let id): drained(id, into: &outputs)
        case .connectFailed(let id, _), .ended(let id): left(id, into: &outputs)
        case .received(let id, let bytes): received(bytes, from: id, at: now, into: &outputs)
        case .remoteClosedWrite(let id): ended(id, into: &outputs)
        case .congested(let id):
            programs[id]?.isCongested = true
            updateReading(id, into: &outputs)
        case .drained(let id):
            drained(id, into: &outputs)
            updateReading(id, into: &outputs)
            answerNext(id, at: now, into: &outputs)
        }
    }

    private mutating func received(
        _ bytes: [UInt8],
        from id: LocalStreamID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch programs[id]?.role {
        case .piping(let stream): work.append(.swarm(.write(stream, bytes)))
        case .asking, .waiting, .searching:
            programs[id]?.frames.append(bytes)
            answerNext(id, at: now, into: &outputs)
        case .subscribed, nil: break  // Whoever listens has nothing to say.
        }
    }

    /// Carries out the requests that are whole, until one must wait.
    mutating func answerNext(_ id: LocalStreamID, at now: Instant, into outputs: inout [Output]) {
        while case .asking = programs[id]?.role, programs[id]?.isCongested == false {
            let request: [UInt8]?
            do throws(LengthPrefixedFrames.Failure) {
                request = try programs[id]?.frames.next()
            } catch {
                return dismiss(id, into: &outputs)
            }
            guard let request else {
                if programs[id]?.hasEnded == true { dismiss(id, into: &outputs) }
                return
            }
            do throws(ControlError) {
                carryOut(try ControlRequest(parsing: request), of: id, at: now, into: &outputs)
            } catch {
                switch error {
                case .refused(let words): answer(.failed(words), to: id, into: &outputs)
                case .malformed: return dismiss(id, into: &outputs)
                }
            }
        }
    }

    func answer(_ response: ControlResponse, to id: LocalStreamID, into outputs: inout [Output]) {
        outputs.append(.local(.send(id, LengthPrefixedFrames.framed(response.encoded))))
    }

    /// The program reads again, or for the first time: the peer gets the credit that was withheld.
    private mutating func drained(_ id: LocalStreamID, into outputs: inout [Output]) {
        programs[id]?.isCongested = false
        guard case .piping(let stream) = programs[id]?.role else { return }
        guard let count = programs[id]?.withheldByteCount, count > 0 else { return }
        programs[id]?.withheldByteCount = 0
        work.append(.swarm(.consumed(stream, count)))
    }

    mutating func updateReading(_ id: LocalStreamID, into outputs: inout [Output]) {
        guard let program = programs[id], program.isRead != program.shouldBeRead else { return }
        programs[id]?.isRead = program.shouldBeRead
        outputs.append(.local(program.shouldBeRead ? .resumeReading(id) : .pauseReading(id)))
    }

    // MARK: The end

    /// The program sends no more.
    private mutating func ended(_ id: LocalStreamID, into outputs: inout [Output]) {
        programs[id]?.hasEnded = true
        switch programs[id]?.role {
        case .asking, .subscribed: dismiss(id, into: &outputs)
        case .piping(let stream):
            work.append(.swarm(.closeWrite(stream)))
            if programs[id]?.hasStreamEnded == true { finish(stream, id, into: &outputs) }
        case .waiting, .searching, nil: break
        }
    }

    /// Both sides of a stream are closed: the swarm forgets it without a word.
    mutating func finish(_ stream: StreamHandle, _ id: LocalStreamID, into outputs: inout [Output]) {
        pipes[stream] = nil
        dismiss(id, into: &outputs)
    }

    /// Sends what the program is still to get and closes its connection.
    mutating func dismiss(_ id: LocalStreamID, into outputs: inout [Output]) {
        forget(id)
        outputs.append(.local(.close(id)))
    }

    /// The program is gone: what it asked for is given up, and its stream ends behind what it wrote.
    private mutating func left(_ id: LocalStreamID, into outputs: inout [Output]) {
        guard let program = programs[id] else { return }
        forget(id)
        guard case .piping(let stream) = program.role, pipes.removeValue(forKey: stream) != nil else { return }
        if !program.hasEnded { work.append(.swarm(.closeWrite(stream))) }
        if program.withheldByteCount > 0 { work.append(.swarm(.consumed(stream, program.withheldByteCount))) }
        if !program.hasStreamEnded { orphans[stream] = 0 }
    }

    private mutating func forget(_ id: LocalStreamID) {
        guard let program = programs.removeValue(forKey: id) else { return }
        switch program.role {
        case .asking, .piping: break
        case .waiting(let wait): abandon(wait, of: id)
        case .searching(let search):
            waiting.remove(id)
            searches[search.command] = nil
        case .subscribed(let topic): unsubscribe(id, from: topic)
        }
    }
}
