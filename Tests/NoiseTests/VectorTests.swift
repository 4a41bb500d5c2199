internal import Cryptography
internal import Foundation
internal import Noise
import Testing

/// One entry of the vector files, with the names that they use.
struct Vector: Decodable {
    struct Message: Decodable {
        let payload: String
        let ciphertext: String
    }

    let protocol_name: String
    let init_prologue: String
    let init_static: String
    let init_ephemeral: String
    let resp_prologue: String
    let resp_static: String
    let resp_ephemeral: String
    let handshake_hash: String?
    let messages: [Message]

    static func load(_ name: String) throws -> Vector {
        let url = try #require(Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Vectors"))
        return try JSONDecoder().decode(Vector.self, from: Data(contentsOf: url))
    }
}

@Suite struct `Noise vectors` {
    @Test(arguments: [("cacophony", 6), ("snow", 5)])
    func `every message is replayed byte for byte`(name: String, messageCount: Int) throws {
        let vector = try Vector.load(name)
        #expect(vector.protocol_name == HandshakeState.protocolName)
        #expect(vector.messages.count == messageCount)
        func keyPair(_ text: String) throws -> X25519.KeyPair {
            X25519.KeyPair(secret: try #require([UInt8](hexadecimal: text)))
        }
        var initiator = HandshakeState(
            role: .initiator,
            staticKey: try keyPair(vector.init_static),
            ephemeralKey: try keyPair(vector.init_ephemeral),
            prologue: try #require([UInt8](hexadecimal: vector.init_prologue))
        )
        var responder = HandshakeState(
            role: .responder,
            staticKey: try keyPair(vector.resp_static),
            ephemeralKey: try keyPair(vector.resp_ephemeral),
            prologue: try #require([UInt8](hexadecimal: vector.resp_prologue))
        )
        let messages = try vector.messages.map { message in
            (
                payload: try #require([UInt8](hexadecimal: message.payload)),
                ciphertext: try #require([UInt8](hexadecimal: message.ciphertext))
            )
        }
        for (index, message) in messages.prefix(3).enumerated() {
            let (written, read): ([UInt8], [UInt8])
            if index.isMultiple(of: 2) {
                written = try initiator.writeMessage(payload: message.payload)
                read = try responder.readMessage(written)
            } else {
                written = try responder.writeMessage(payload: message.payload)
                read = try initiator.readMessage(written)
            }
            #expect(written == message.ciphertext)
            #expect(read == message.payload)
        }
        #expect(initiator.isComplete && responder.isComplete)
        #expect(initiator.handshakeHash == responder.handshakeHash)
        if let hash = vector.handshake_hash { #expect(initiator.handshakeHash == [UInt8](hexadecimal: hash)) }

        var (initiatorSends, responderSends) = initiator.split()
        var (initiatorSent, responderSent) = responder.split()
        for (index, message) in messages.enumerated().dropFirst(3) {
            var (written, read): ([UInt8], [UInt8]) = ([], [])
            if index.isMultiple(of: 2) {
                try initiatorSends.encryptWithAd([], message.payload.span, into: &written)
                try initiatorSent.decryptWithAd([], written.span, into: &read)
            } else {
                try responderSends.encryptWithAd([], message.payload.span, into: &written)
                try responderSent.decryptWithAd([], written.span, into: &read)
            }
            #expect(written == message.ciphertext)
            #expect(read == message.payload)
        }
    }

    @Test func `the cacophony vector has a handshake hash to compare`() throws {
        #expect(try Vector.load("cacophony").handshake_hash?.count == 64)
    }
}
