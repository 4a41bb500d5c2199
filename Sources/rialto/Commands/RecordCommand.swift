internal import ArgumentParser
internal import Cryptography
internal import Foundation
internal import LocalAPI
internal import Market

/// The command `rialto record`.
struct RecordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Look at signed records, check them alone, and carry them between nodes.",
        discussion: """
            A file of records has one envelope a line, in base64url or hexadecimal digits; a single raw envelope is read too. \
            'verify' needs no node and no network.

            Examples:
              rialto record show 3fa2c1
              rialto record export > market.txt
              rialto record verify market.txt
              rialto record import market.txt --home /tmp/b
            """,
        subcommands: [Show.self, Verify.self, Export.self, Import.self]
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one record as JSON.")
        @OptionGroup var options: GlobalOptions

        @Argument(help: "Its id, or the beginning of it.")
        var id: String

        func run() async throws {
            print(
                JSONFormat.text(try await options.client.send("GET", "/v1/records/\(id)", expecting: RecordView.self))
            )
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print every record that the node holds, one a line.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            var query: [String: String] = [:]
            repeat {
                let page = try await options.client.send(
                    "GET",
                    "/v1/records",
                    query: query,
                    expecting: RecordPageView.self
                )
                for envelope in page.envelopes { print(envelope) }
                query["after"] = page.next
            } while query["after"] != nil
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give records to the node; each is judged as if a peer had sent it."
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The file, or - for standard input.")
        var file: String
        /// What one request carries; below the node's limit.
        private static var batchCount: Int { 512 }

        func run() async throws {
            let envelopes = try EnvelopeFile.read(file)
            var (accepted, refused): (Int, [String: Int]) = (0, [:])
            for start in stride(from: 0, to: envelopes.count, by: Self.batchCount) {
                let batch = envelopes[start..<min(start + Self.batchCount, envelopes.count)]
                let lines = try batch.map { entry in
                    guard let bytes = entry.bytes else {
                        throw CommandFailure(.failed, "line \(entry.line) is no envelope")
                    }
                    return EnvelopeText.line(bytes)
                }
                let request = ImportRequest(envelopes: lines)
                let answer = try await options.client.send(
                    "POST",
                    "/v1/records",
                    body: request,
                    expecting: ImportView.self
                )
                for verdict in answer.verdicts {
                    if verdict.accepted { accepted += 1 } else { refused[verdict.reason ?? "refused", default: 0] += 1 }
                }
            }
            if options.json { return print(JSONFormat.text(Summary(accepted: accepted, refused: refused))) }
            print("accepted \(accepted)")
            for (reason, count) in refused.sorted(by: { $0.key < $1.key }) { print("\(reason): \(count)") }
        }

        private struct Summary: Encodable {
            let accepted: Int
            let refused: [String: Int]
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check records alone: form, bounds and signatures; exit code 1 if any is bad.",
            discussion: """
                A proof is checked with both leases in it, the renters' signatures included, and explained: who leased which device \
                twice. Nothing else is needed, no node, no network, no trust in whoever sent it.

                Example: rialto record verify proof.txt
                """
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The file, or - for standard input.")
        var file: String

        func run() throws {
            let verdicts = try EnvelopeFile.read(file).map { Self.verdict(of: $0, network: options.network) }
            guard !verdicts.isEmpty else { throw CommandFailure(.failed, "\(file) holds no records") }
            for verdict in verdicts {
                if options.json {
                    print(JSONFormat.text(verdict))
                } else if let reason = verdict.reason {
                    print("\(verdict.line): bad: \(reason)")
                } else {
                    print("\(verdict.line): good \(verdict.kind ?? "") \(verdict.recordID ?? "")")
                    for line in verdict.says ?? [] { print("   \(Table.harmless(line))") }
                }
            }
            if verdicts.contains(where: { !$0.good }) { throw CommandFailure.silent }
        }

        private struct Verdict: Encodable {
            let line: Int
            var good = false
            var recordID: String?
            var kind: String?
            var reason: String?
            /// What a proof, a conflict or a countersignature says, for whoever has nothing else.
            var says: [String]?
        }

        private static func verdict(of entry: EnvelopeFile.Entry, network: String?) -> Verdict {
            var verdict = Verdict(line: entry.line)
            guard let bytes = entry.bytes else {
                verdict.reason = "neither base64url nor hexadecimal"
                return verdict
            }
            do throws(RecordError) {
                let record = try SignedRecord(envelope: bytes)
                (verdict.recordID, verdict.kind) = (record.id.description, "\(record.kind)")
                if !record.signatureChecks.allSatisfy(\.holds) {
                    verdict.reason = "the signature does not hold"
                } else if let network, record.record.network != network {
                    verdict.reason = "it belongs to the network '\(record.record.network)'"
                } else {
                    verdict.good = true
                    verdict.says = RecordWords.sentences(of: record)
                }
            } catch {
                verdict.reason = error.sentence
            }
            return verdict
        }
    }
}
