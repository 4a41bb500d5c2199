internal import Foundation

/// A whole file, if it is not larger than it should be.
enum TextFile {
    static func read(_ path: String, countMax: Int = ScenarioLimits.fileByteCountMax) -> String? {
        bytes(of: path, countMax: countMax).map { String(decoding: $0, as: UTF8.self) }
    }

    static func bytes(of path: String, countMax: Int) -> [UInt8]? {
        guard let handle = FileHandle(forReadingAtPath: path),
            let data = try? handle.read(upToCount: countMax + 1) ?? Data(), data.count <= countMax
        else { return nil }
        return Array(data)
    }
}
