/// Takes a streamed answer apart as it comes: the head, the chunks (RFC 9112, section 7.1), the events in them.
///
/// An error has a body of known length and no events; it is given out as if it were one event.
struct StreamReader {
    private enum Part {
        case statusLine
        case head
        case errorBody(remaining: Int)
        case chunkSize
        case chunk(remaining: Int)
        case chunkEnd
        case end
    }

    /// What the answer's first line says; 0 before it was read.
    private(set) var status = 0
    private var part = Part.statusLine
    private var line: [UInt8] = []
    private var contentLength = 0
    private var body: [UInt8] = []
    private var events = EventReader()

    /// The data of the events that are whole with these bytes.
    mutating func read(_ bytes: [UInt8]) -> [[UInt8]] {
        var found: [[UInt8]] = []
        for byte in bytes {
            switch part {
            case .errorBody(let remaining):
                body.append(byte)
                part = remaining > 1 ? .errorBody(remaining: remaining - 1) : .end
                if remaining <= 1 { found.append(body) }
            case .chunk(let remaining):
                found += events.read(CollectionOfOne(byte))
                part = remaining > 1 ? .chunk(remaining: remaining - 1) : .chunkEnd
            case .statusLine, .head, .chunkSize, .chunkEnd:
                if byte != UInt8(ascii: "\n") {
                    line.append(byte)
                    continue
                }
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                let text = String(decoding: line, as: UTF8.self)
                line = []
                take(text)
            case .end: break
            }
        }
        return found
    }

    private mutating func take(_ line: String) {
        switch part {
        case .statusLine:
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 500
            part = .head
        case .head:
            let field = line.split(separator: ":", maxSplits: 1)
            if field.count == 2, field[0].lowercased() == "content-length" {
                contentLength = Int(field[1].drop { $0 == " " }) ?? 0
            }
            if line.isEmpty {
                part = status < 400 ? .chunkSize : contentLength > 0 ? .errorBody(remaining: contentLength) : .end
            }
        case .chunkSize:
            let size = Int(line.prefix { $0 != ";" }, radix: 16) ?? 0
            part = size > 0 ? .chunk(remaining: size) : .end
        case .chunkEnd: part = .chunkSize
        case .errorBody, .chunk, .end: break
        }
    }
}

/// Takes server-sent events apart (HTML standard, "Server-sent events"): lines of `data:` until an empty line.
struct EventReader {
    private var line: [UInt8] = []
    private var data: [UInt8] = []

    mutating func read(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            let prefix = Array("data: ".utf8)
            if line.isEmpty, !data.isEmpty {
                events.append(data)
                data = []
            } else if line.starts(with: prefix) {
                data += line.dropFirst(prefix.count)
            }
            line = []
        }
        return events
    }
}
