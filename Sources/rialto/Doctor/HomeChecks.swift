internal import Foundation
internal import LocalAPI
internal import Node
internal import Storage

/// Looks at the files of a home; needs no node and changes nothing.
struct HomeChecks {
    /// Below this the node stops writing before anybody notices.
    private static let roomMin: UInt64 = 64 << 20
    private static let roomWanted: UInt64 = 1 << 30
    private static let fileCountMin: UInt64 = 100

    let home: String

    var findings: [Finding] {
        guard HomeDirectory.exists(home) else {
            return [.note("home", "\(home) does not exist yet", remedy: "rialto up makes it")]
        }
        do throws(HomeError) {
            try HomeDirectory.check(home)
        } catch {
            return [.wrong("home", error.description, remedy: Self.remedy(error))]
        }
        return [.good("home", "\(home) is its owner's alone"), key, disk, writing] + store
    }

    private var key: Finding {
        do throws(HomeError) {
            _ = try IdentityFile.load(directory: home)
            return .good("key", "the key is whole and its owner's alone")
        } catch .missingKey {
            return .note("key", "there is no key yet", remedy: "rialto up makes one; rialto key import takes one")
        } catch {
            return .wrong("key", error.description, remedy: Self.remedy(error))
        }
    }

    private var disk: Finding {
        guard let room = HomeDirectory.room(home) else { return .note("disk", "the disk does not say what is left") }
        let text = "\(room.byteCount >> 20) MiB are left"
        // Some file systems count no files and say that none is left.
        if room.byteCount < Self.roomMin || (1..<Self.fileCountMin).contains(room.fileCount) {
            return .wrong("disk", "the disk of \(home) is nearly full: \(text)", remedy: "make room, or move the home")
        }
        guard room.byteCount < Self.roomWanted else { return .good("disk", text) }
        return .note("disk", "only \(text)", remedy: "a market of 100,000 offers takes about 1 GiB")
    }

    private var writing: Finding {
        do throws(HomeError) {
            try HomeDirectory.probe(home)
            return .good("writing", "files can be written and reach the disk")
        } catch {
            return .wrong(
                "writing",
                error.description,
                remedy: "mount the disk for writing, make room, or move the home"
            )
        }
    }

    private var store: [Finding] {
        let inspection = StoreInspection(directory: home)
        return [
            Self.finding("store", inspection.own, whenBad: Self.ownRemedy),
            Self.finding("cache", inspection.cache, whenBad: Self.cacheRemedy),
        ]
    }

    private static func finding(
        _ check: String,
        _ state: StoreInspection.State,
        whenBad remedy: (StoreFailure) -> String
    ) -> Finding {
        switch state {
        case .missing: .note(check, "there is no file yet; rialto up makes it")
        case .good(let schema): .good(check, "every page is whole, schema \(schema)")
        case .bad(let failure): .wrong(check, failure.sentence, remedy: remedy(failure))
        }
    }

    private static func ownRemedy(_ failure: StoreFailure) -> String {
        if case .newerVersion = failure { return "use the newer rialto" }
        return "stop the node, put a backup in place of node.sqlite (see: rialto backup --help), start it again"
    }

    private static func cacheRemedy(_ failure: StoreFailure) -> String {
        if case .newerVersion = failure { return "use the newer rialto, or remove cache.sqlite: it fills itself again" }
        return "nothing to do: the node sets it aside at its next start and fills a new one from the network"
    }

    private static func remedy(_ error: HomeError) -> String {
        switch error {
        case .tooOpen(_, let command): command
        case .wrongOwner: "run rialto as the owner, or choose another home with --home"
        case .malformedKey: "put a copy of the key in its place, or move it away: the node then is somebody new"
        case .notADirectory, .symbolicLink, .notARegularFile: "move it away"
        case .missingKey, .keyExists, .system: "mend what the message says"
        }
    }
}
