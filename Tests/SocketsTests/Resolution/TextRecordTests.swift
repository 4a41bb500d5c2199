import Primitives
import Testing

@testable import Sockets

@Suite struct `TXT records` {
    /// An answer to one question for `_dnsaddr.a.example`, whose records point back to the question's name.
    private func packet(flags: [UInt8] = [0x81, 0x80], answers: [[UInt8]]) -> [UInt8] {
        let name: [UInt8] = [8] + Array("_dnsaddr".utf8) + [1, 0x61, 7] + Array("example".utf8) + [0]
        let head: [UInt8] = [0x12, 0x34] + flags + [0, 1, 0, UInt8(answers.count), 0, 0, 0, 0]
        return head + name + [0, 16, 0, 1] + answers.flatMap { [0xC0, 0x0C] + $0 }
    }

    private func record(kind: UInt8 = 16, _ strings: [UInt8]...) -> [UInt8] {
        let data = strings.flatMap { [UInt8($0.count)] + $0 }
        return [0, kind, 0, 1, 0, 0, 0, 60, UInt8(data.count >> 8), UInt8(data.count & 0xFF)] + data
    }

    @Test func `the strings of one record are joined, the records stay in order`() throws {
        let answer = packet(answers: [
            record(Array("dnsaddr=/ip4/192.0.2.1".utf8), Array("/tcp/4180".utf8)), record(Array("other".utf8)),
        ])
        #expect(try TextRecords.parse(answer) == ["dnsaddr=/ip4/192.0.2.1/tcp/4180", "other"])
    }

    @Test func `records of another type, and texts that are no UTF-8, are left out`() throws {
        let answer = packet(answers: [record(kind: 5, Array("alias".utf8)), record([0xFF, 0xFE]), record([0x6B])])
        #expect(try TextRecords.parse(answer) == ["k"])
    }

    @Test func `a name that does not exist is told by the server's code`() {
        #expect(throws: TextRecords.Failure.refused(code: 3)) {
            try TextRecords.parse(packet(flags: [0x81, 0x83], answers: []))
        }
    }

    @Test func `a question is no answer`() {
        #expect(throws: TextRecords.Failure.malformed) { try TextRecords.parse(packet(flags: [1, 0], answers: [])) }
    }

    @Test func `a string that reaches beyond its record is malformed`() {
        let broken: [UInt8] = [0, 16, 0, 1, 0, 0, 0, 60, 0, 2, 9, 0x61]
        #expect(throws: TextRecords.Failure.malformed) { try TextRecords.parse(packet(answers: [broken])) }
    }

    @Test func `a record above the limit is left out, one at the limit stays`() throws {
        let piece = [UInt8](repeating: 0x61, count: 128)
        let full = Array(repeating: piece, count: TextRecords.byteCountMax / 128)
        func long(_ strings: [[UInt8]]) -> [UInt8] {
            let data = strings.flatMap { [UInt8($0.count)] + $0 }
            return [0, 16, 0, 1, 0, 0, 0, 60, UInt8(data.count >> 8), UInt8(data.count & 0xFF)] + data
        }
        let answer = packet(answers: [long(full), long(full + [[0x62]])])
        #expect(try TextRecords.parse(answer).map(\.utf8.count) == [TextRecords.byteCountMax])
    }

    @Test func `no more texts are taken than an answer may have`() throws {
        let answer = packet(answers: Array(repeating: record([0x61]), count: 200))
        #expect(try TextRecords.parse(answer).count == 64)
    }

    @Test(arguments: [UInt8(1), 2, 3, 4])
    func `cut, flipped and random packets are refused or read, never fatal`(seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let whole = packet(answers: [record(Array("dnsaddr=/ip4/192.0.2.1".utf8)), record([0x61], [0x62])])
        for count in whole.indices { _ = try? TextRecords.parse(Array(whole.prefix(count))) }
        for _ in 0..<2_000 {
            var changed = whole
            for _ in 0..<3 {
                changed[Int(random.next() % UInt64(changed.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? TextRecords.parse(changed)
            let noise = (0..<Int(random.next() % 64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            _ = try? TextRecords.parse([0x12, 0x34, 0x81, 0x80] + noise)
        }
    }
}
