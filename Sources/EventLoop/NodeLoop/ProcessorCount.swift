internal import Foundation

/// How many processors this process may use.
enum ProcessorCount {
    static var online: Int { ProcessInfo.processInfo.activeProcessorCount }
}
