internal import ArgumentParser
internal import Cryptography
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Storage

/// The command `rialto key`.
struct Key: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make, show, carry and resume the key that this node is.",
        discussion: """
            Whoever has the key is the node: keep exports like money, and never run two nodes with one key.

            Examples:
              rialto key new
              rialto key export identity-backup.key
              rialto key import identity-backup.key --home /tmp/b
              rialto key resume
            """,
        subcommands: [New.self, Show.self, Import.self, Export.self, Resume.self],
        defaultSubcommand: Show.self
    )

    fileprivate struct View: Encodable {
        let peer: String
    }

    fileprivate static func report(_ key: Ed25519.PrivateKey, _ options: GlobalOptions) {
        let peer = PeerID(publicKey: key.publicKey).description
        print(options.json ? JSONFormat.text(View(peer: peer)) : peer)
    }

    fileprivate static func trying<Value>(_ body: () throws(HomeError) -> Value) throws -> Value {
        do throws(HomeError) {
            return try body()
        } catch {
            throw CommandFailure(.failed, error.description)
        }
    }

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a key; never over another one.")
        @OptionGroup var options: GlobalOptions

        func run() throws {
            let home = options.directory
            Key.report(
                try Key.trying { () throws(HomeError) in
                    try HomeDirectory.prepare(home)
                    return try IdentityFile.create(directory: home)
                },
                options
            )
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the peer id of the key.")
        @OptionGroup var options: GlobalOptions

        func run() throws {
            let home = options.directory
            Key.report(try Key.trying { () throws(HomeError) in try IdentityFile.load(directory: home) }, options)
        }
    }

    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write the key to a new file of mode 0600, in libp2p's form."
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The new file.")
        var file: String

        func run() throws {
            let home = options.directory
            let key = try Key.trying { () throws(HomeError) in try IdentityFile.load(directory: home) }
            guard !FileManager.default.fileExists(atPath: file) else {
                throw CommandFailure(.failed, "\(file) exists; a key is never written over something else")
            }
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o600]
            guard FileManager.default.createFile(atPath: file, contents: nil, attributes: attributes),
                let handle = FileHandle(forWritingAtPath: file)
            else { throw CommandFailure(.failed, "\(file) cannot be written") }
            try handle.write(contentsOf: Data(KeyCodec.encode(key)))
            try handle.close()
            print(options.json ? JSONFormat.text(Outcome()) : "exported to \(file); keep it like money")
        }
    }

    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a key from a file in libp2p's form.")
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The file.")
        var file: String

        func run() throws {
            guard let data = FileManager.default.contents(atPath: file), data.count <= KeyCodec.privateByteCount else {
                throw CommandFailure(.failed, "\(file) is no key file")
            }
            guard let key = try? KeyCodec.decodePrivateKey(Array(data)) else {
                throw CommandFailure(.failed, "\(file) holds no Ed25519 private key in libp2p's form")
            }
            let home = options.directory
            try Key.trying { () throws(HomeError) in
                try HomeDirectory.prepare(home)
                try IdentityFile.write(key, directory: home)
            }
            Key.report(key, options)
        }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Vouch that no other home uses this key and that the clock is right, so that the node signs again."
        )
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let answer = try await options.client.send("POST", "/v1/key/resume", expecting: ResumeView.self)
            guard !options.json else { return print(JSONFormat.text(answer)) }
            switch answer.before {
            case "stopped", "clock_doubted": print("the node signs again")
            case "signing": print("nothing to resume: the node has not stopped signing")
            default:
                print("nothing to resume: the node still asks its peers what its key has said; it signs in a moment")
            }
        }
    }
}
