internal import ArgumentParser
internal import Foundation
internal import LocalAPI
internal import Node
internal import Storage

/// The command `rialto backup`.
struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copy the node's own state to a new file, also while it runs.",
        discussion: """
            The copy holds what must never be lost: sequence numbers, own records, bans. The key is a file of its own: copy it \
            once with 'rialto key export'. What the network said is not in it; it comes back by itself.

            To restore, with the node stopped:
              cp node-backup.sqlite ~/.local/share/rialto/node.sqlite && chmod 600 ~/.local/share/rialto/node.sqlite
              rm -f ~/.local/share/rialto/node.sqlite-wal ~/.local/share/rialto/node.sqlite-shm
              rialto key import identity-backup.key     (only if the key is lost too)
              rialto up
            The node then asks its peers what it has said since, and signs only above that: no sequence is used twice.

            Example: rialto backup node-backup.sqlite
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The new file; nothing is overwritten.")
    var file: String

    func run() async throws {
        let path = URL(fileURLWithPath: file).path
        do {
            _ = try await options.client.send(
                "POST",
                "/v1/backup",
                body: BackupRequest(path: path),
                expecting: Outcome.self
            )
        } catch let failure as CommandFailure where failure.kind == .notRunning {
            do throws(StoreFailure) {
                try OfflineBackup.copy(directory: options.directory, to: path)
            } catch .locked {
                throw CommandFailure(
                    .failed,
                    "a node holds \(options.directory) and does not answer",
                    hint: "see: rialto doctor"
                )
            } catch {
                throw CommandFailure(.failed, error.sentence)
            }
        }
        print(options.json ? JSONFormat.text(Outcome()) : "own state is copied to \(path); the key is not in it")
    }
}
