import Glibc

/// What libFuzzer calls before the first input: chooses the target by the environment, and writes the seed corpus if asked.
///
/// - `RIALTO_FUZZ=<target>` fuzzes that target; without it, or with a name that is none, the names are printed.
/// - `RIALTO_FUZZ_SEEDS=<folder>` writes the target's seeds there, one file each, and ends.
@_cdecl("LLVMFuzzerInitialize")
public func fuzzerInitialize(
    _ count: UnsafeMutablePointer<Int32>?,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>?
) -> Int32 {
    guard let folder = environment("RIALTO_FUZZ_SEEDS") else {
        print("fuzzing \(chosenTarget.rawValue)")
        return 0
    }
    for (number, seed) in chosenTarget.seeds.enumerated() { write(seed, to: "\(folder)/seed-\(number)") }
    exit(0)
}

/// What libFuzzer calls for every input.
///
/// It returns: all that a peer can do wrong is a typed throw or an output.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzerTestOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    unsafe chosenTarget.run(Array(UnsafeBufferPointer(start: bytes, count: count)))
    return 0
}

/// Drawn from the environment once.
private let chosenTarget: FuzzTarget = {
    if let name = environment("RIALTO_FUZZ"), let target = FuzzTarget(rawValue: name) { return target }
    for target in FuzzTarget.allCases { print(target.rawValue) }
    exit(0)
}()

private func environment(_ name: String) -> String? {
    unsafe getenv(name).map { unsafe String(cString: $0) }
}

private func write(_ bytes: [UInt8], to path: String) {
    guard let file = unsafe fopen(path, "wb") else { fatalError("cannot write \(path): errno \(errno)") }
    unsafe fwrite(bytes, 1, bytes.count, file)
    unsafe fclose(file)
}
