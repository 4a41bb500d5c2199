import Primitives
import Testing

/// What a reader makes of one message: its fields with their bytes copied out.
private struct Field: Equatable {
    enum Value: Equatable {
        case varint(UInt64), fixed64(UInt64), fixed32(UInt32), bytes([UInt8])
    }
    let number: Int
    let value: Value
}

private func fields(of bytes: [UInt8]) throws(ProtobufError) -> [Field] {
    var (reader, fields): (ProtobufReader, [Field]) = (ProtobufReader(bytes.span), [])
    while let field = try reader.next() {
        switch field.value {
        case .varint(let value): fields.append(Field(number: field.number, value: .varint(value)))
        case .fixed64(let value): fields.append(Field(number: field.number, value: .fixed64(value)))
        case .fixed32(let value): fields.append(Field(number: field.number, value: .fixed32(value)))
        case .bytes(let range): fields.append(Field(number: field.number, value: .bytes(Array(bytes[range]))))
        }
    }
    return fields
}

@Suite struct `Protobuf` {
    /// protobuf.dev, "Encoding": 150 in field 1, `testing` in field 2, a nested message in field 3, packed numbers in field 6.
    @Test func `the examples of the specification are written and read`() throws {
        var writer = ProtobufWriter()
        writer.varint(1, 150)
        writer.text(2, "testing")
        writer.message(3) { $0.varint(1, 150) }
        writer.packedVarints(6, [3, 270, 86942])
        #expect(
            writer.bytes == [
                0x08, 0x96, 0x01, 0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67, 0x1a, 0x03, 0x08, 0x96, 0x01,
                0x32,
                0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05,
            ]
        )
        #expect(
            try fields(of: writer.bytes) == [
                Field(number: 1, value: .varint(150)),
                Field(number: 2, value: .bytes(Array("testing".utf8))),
                Field(number: 3, value: .bytes([0x08, 0x96, 0x01])),
                Field(number: 6, value: .bytes([0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05])),
            ]
        )
    }

    @Test func `fixed-width fields are little-endian`() throws {
        let bytes: [UInt8] = [0x09, 1, 0, 0, 0, 0, 0, 0, 0x80, 0x15, 2, 0, 0, 0x40]
        #expect(
            try fields(of: bytes) == [
                Field(number: 1, value: .fixed64(0x8000_0000_0000_0001)),
                Field(number: 2, value: .fixed32(0x4000_0002)),
            ]
        )
    }

    @Test func `defaults are left out unless they are required`() {
        var writer = ProtobufWriter()
        writer.varint(1, 0)
        writer.bool(2, false)
        writer.bytes(3, [])
        writer.text(4, "")
        writer.zigzag(5, 0)
        writer.packedVarints(6, [])
        #expect(writer.bytes.isEmpty)
        writer.requiredVarint(1, 0)
        writer.requiredBytes(2, [])
        writer.message(3) { _ in }
        #expect(writer.bytes == [0x08, 0x00, 0x12, 0x00, 0x1a, 0x00])
    }

    /// protobuf.dev, "Signed Integers".
    @Test(arguments: [(-1, 1), (1, 2), (-2, 3), (0x7fff_ffff, 0xffff_fffe), (.min, .max)] as [(Int64, UInt64)])
    func `zigzag keeps small numbers short`(_ value: Int64, _ wire: UInt64) throws {
        var writer = ProtobufWriter()
        writer.zigzag(1, value)
        #expect(try fields(of: writer.bytes) == [Field(number: 1, value: .varint(wire))])
    }

    @Test(
        arguments: [
            ([0x08], .truncated),
            ([0x80], .truncated),
            ([0x08, 0x80], .truncated),
            ([0x12, 0x05, 1, 2, 3, 4], .truncated),
            ([0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], .truncated),
            ([0x09, 1, 2, 3, 4, 5, 6, 7], .truncated),
            ([0x15, 1, 2, 3], .truncated),
            ([0x00, 0x01], .fieldNumber(0)),
            ([0x80, 0x80, 0x80, 0x80, 0x10, 0x01], .fieldNumber(0x2000_0000)),
            ([0x0b], .wireType(3)),
            ([0x0c], .wireType(4)),
            ([0x0e], .wireType(6)),
            ([0x0f], .wireType(7)),
            ([0x08] + [UInt8](repeating: 0x80, count: 10), .varintTooLong),
            ([0x08] + [UInt8](repeating: 0xff, count: 9) + [0x02], .varintTooLong),
        ] as [([UInt8], ProtobufError)]
    )
    func `what is no message says why`(_ bytes: [UInt8], _ expected: ProtobufError) {
        #expect(throws: expected) { try fields(of: bytes) }
    }

    @Test func `the tenth byte of a varint may carry the last bit`() throws {
        let bytes: [UInt8] = [0x08] + [UInt8](repeating: 0xff, count: 9) + [0x01]
        #expect(try fields(of: bytes) == [Field(number: 1, value: .varint(.max))])
    }

    @Test func `values leave a field through their bounds`() throws {
        let bytes: [UInt8] = [0x08, 0x0a, 0x12, 0x02, 0xc3, 0x28]
        var reader = ProtobufReader(bytes.span)
        let number = try #require(try reader.next())
        #expect(try number.int(in: 0...10) == 10)
        #expect(try number.bool())
        #expect(throws: ProtobufError.outOfBounds(field: 1)) { try number.int(in: 0...9) }
        #expect(throws: ProtobufError.wrongWireType(field: 1)) { try number.range(byteCountMax: 9) }
        let text = try #require(try reader.next())
        #expect(try text.bytes(of: bytes.span, byteCountMax: 2) == [0xc3, 0x28])
        #expect(throws: ProtobufError.outOfBounds(field: 2)) { try text.range(byteCountMax: 1) }
        #expect(throws: ProtobufError.notUTF8(field: 2)) { try text.text(of: bytes.span, byteCountMax: 2) }
        #expect(throws: ProtobufError.wrongWireType(field: 2)) { try text.varint() }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `what is written is read, and a cut message is refused or a shorter message`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<60 {
            var (writer, written): (ProtobufWriter, [Field]) = (ProtobufWriter(), [])
            for _ in 0..<random.below(8) {
                let number = 1 + random.below(random.chance(1, in: 2) ? 16 : 0x1fff_ffff)
                if random.chance(1, in: 2) {
                    let value = random.next() >> UInt64(random.below(64))
                    writer.requiredVarint(number, value)
                    written.append(Field(number: number, value: .varint(value)))
                } else {
                    let bytes = random.bytes(random.below(40))
                    writer.requiredBytes(number, bytes)
                    written.append(Field(number: number, value: .bytes(bytes)))
                }
            }
            #expect(try fields(of: writer.bytes) == written)
            for count in 0..<writer.bytes.count {
                guard let cut = try? fields(of: Array(writer.bytes.prefix(count))) else { continue }
                #expect(cut == Array(written.prefix(cut.count)) && cut.count < written.count)
            }
        }
    }

    @Test(arguments: [4, 5, 6, 7] as [UInt8])
    func `random and damaged bytes are refused or read within their bounds`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<1500 {
            var bytes = random.bytes(random.below(48))
            // Small lengths and known tags reach further into the reader than noise.
            for index in bytes.indices where random.chance(1, in: 2) { bytes[index] &= 0x1f }
            guard let fields = try? fields(of: bytes) else { continue }
            #expect(fields.allSatisfy { (1...0x1fff_ffff).contains($0.number) })
        }
    }
}
