import Cryptography
import Foundation
import Identity
import Storage
import Testing

@Suite struct `Identity file` {
    let home: ScratchHome

    init() throws {
        home = try ScratchHome()
    }

    private var path: String { IdentityFile.path(in: home.path) }

    @Test func `a created key is read back, in a file for its owner alone`() throws {
        let key = try IdentityFile.create(directory: home.path)
        #expect(try IdentityFile.load(directory: home.path).reveal() == key.reveal())
        #expect(home.names == ["identity.key"])
        #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) == KeyCodec.encode(key))
    }

    @Test func `two created keys differ`() throws {
        let other = try ScratchHome()
        let keys = try [home, other].map { try IdentityFile.create(directory: $0.path) }
        #expect(keys[0].publicKey != keys[1].publicKey)
    }

    @Test func `a key is never overwritten`() throws {
        let key = try IdentityFile.create(directory: home.path)
        #expect(throws: HomeError.keyExists(path: path)) { try IdentityFile.create(directory: home.path) }
        #expect(try IdentityFile.load(directory: home.path).publicKey == key.publicKey)
        #expect(home.names == ["identity.key"])
    }

    @Test func `a missing home is made for its owner alone`() throws {
        let inner = home.file("a/b")
        _ = try IdentityFile.create(directory: inner)
        #expect(try FileManager.default.attributesOfItem(atPath: inner)[.posixPermissions] as? Int == 0o700)
    }

    @Test func `a missing key is told as such`() {
        #expect(throws: HomeError.missingKey(path: path)) { try IdentityFile.load(directory: home.path) }
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620])
    func `a key that others may touch is refused with the command that helps`(mode: Int) throws {
        _ = try IdentityFile.create(directory: home.path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        let refusal = HomeError.tooOpen(path: path, command: "chmod 600 '\(path)'")
        #expect(throws: refusal) { try IdentityFile.load(directory: home.path) }
        #expect(refusal.description.contains("chmod 600"))
    }

    @Test func `a symbolic link is not followed`() throws {
        let other = try ScratchHome()
        _ = try IdentityFile.create(directory: other.path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: IdentityFile.path(in: other.path))
        #expect(throws: HomeError.symbolicLink(path: path)) { try IdentityFile.load(directory: home.path) }
    }

    @Test func `a directory in its place is refused`() throws {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        #expect(throws: HomeError.notARegularFile(path: path)) { try IdentityFile.load(directory: home.path) }
    }

    @Test(arguments: [0, 1, 67, 69, 500])
    func `a file of another length is no key`(byteCount: Int) throws {
        try Data(count: byteCount).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        #expect(throws: HomeError.malformedKey(path: path)) { try IdentityFile.load(directory: home.path) }
    }

    @Test func `a key whose public part is another's is refused`() throws {
        var bytes = KeyCodec.encode(try IdentityFile.create(directory: home.path))
        bytes[60] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(throws: HomeError.malformedKey(path: path)) { try IdentityFile.load(directory: home.path) }
    }
}
