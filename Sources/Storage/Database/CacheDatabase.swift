internal import Glibc
internal import GRDB
internal import Node

/// `cache.sqlite`: what the network said.
///
/// It may be stale after a crash, and is thrown away when it is damaged.
struct CacheDatabase: Sendable {
    static let fileName = "cache.sqlite"

    private let directory: String
    let limits: StoreLimits
    /// `nil` after a replacement that failed halfway, because the disk was full, say: a closed file must not be used again.
    private var file: DatabaseFile?

    /// Names the cache; it is opened when it is first needed.
    init(directory: String, limits: StoreLimits) {
        (self.directory, self.limits) = (directory, limits)
    }

    /// The open file; where there is none it is opened first, and a damaged one set aside before that.
    mutating func opened(warnings: inout [StoreWarning]) throws(StoreFailure) -> DatabaseFile {
        if let file { return file }
        let made: DatabaseFile
        do throws(StoreFailure) {
            made = try Self.open(directory, limits)
        } catch .corrupt(let reason) {
            warnings.append(try Self.setAside(directory, limits, reason: reason))
            made = try Self.open(directory, limits)
        }
        file = made
        return made
    }

    /// Sets a file aside that turned out to be damaged while it was in use; the next one is made when it is needed.
    mutating func discard(reason: String, warnings: inout [StoreWarning]) throws(StoreFailure) {
        file?.close()
        file = nil
        warnings.append(try Self.setAside(directory, limits, reason: reason))
    }

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { database in
            try RecordTable.create(database)
            try FloorTable.create(database)
            try PeerTable.create(database)
        }
        return migrator
    }

    private static func open(_ directory: String, _ limits: StoreLimits) throws(StoreFailure) -> DatabaseFile {
        let file = try DatabaseFile(path: directory + "/" + fileName, durability: .normal, migrator: migrator)
        try file.setPageCountMax(limits.pageCountMax)
        return file
    }

    /// Renames the file to `cache.sqlite.corrupt-<n>` and forgets the oldest of those.
    private static func setAside(
        _ directory: String,
        _ limits: StoreLimits,
        reason: String
    ) throws(StoreFailure) -> StoreWarning {
        let path = directory + "/" + fileName
        let numbers = setAsideNumbers(directory)
        let next = (numbers.last ?? 0) + 1
        let target = "\(path).corrupt-\(next)"
        guard unsafe rename(path, target) == 0 else {
            throw .inputOutput("\(path): " + systemMessage())
        }
        for companion in DatabaseFile.paths(of: path).dropFirst() { _ = unsafe unlink(companion) }
        for number in numbers.dropLast(limits.setAsideCountMax - 1) { _ = unsafe unlink("\(path).corrupt-\(number)") }
        return .cacheSetAside(path: target, reason: reason)
    }

    /// Ascending.
    private static func setAsideNumbers(_ directory: String) -> [Int] {
        guard let listing = unsafe opendir(directory) else { return [] }
        defer { unsafe closedir(listing) }
        var numbers: [Int] = []
        while let entry = unsafe readdir(listing) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe String(cString: UnsafeRawPointer(pointer).assumingMemoryBound(to: CChar.self))
            }
            let prefix = fileName + ".corrupt-"
            if name.hasPrefix(prefix), let number = Int(name.dropFirst(prefix.count)), number < Int.max {
                numbers.append(number)
            }
        }
        return numbers.sorted()
    }
}
