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
    private(set) var file: DatabaseFile

    /// Opens the cache; a damaged one is set aside first.
    init(directory: String, limits: StoreLimits, warnings: inout [StoreWarning]) throws(StoreFailure) {
        (self.directory, self.limits) = (directory, limits)
        do throws(StoreFailure) {
            file = try Self.open(directory, limits)
        } catch .corrupt(let reason) {
            warnings.append(try Self.setAside(directory, limits, reason: reason))
            file = try Self.open(directory, limits)
        }
    }

    /// Replaces a file that turned out to be damaged while it was in use.
    mutating func replace(reason: String, warnings: inout [StoreWarning]) throws(StoreFailure) {
        file.close()
        warnings.append(try Self.setAside(directory, limits, reason: reason))
        file = try Self.open(directory, limits)
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
