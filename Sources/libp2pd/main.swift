import Cryptography
import DaemonControl
import Glibc
import Identity
import Primitives

/// Ends the process with words for a human.
func fail(_ words: String) -> Never {
    write("libp2pd: \(words)\n", to: STDERR_FILENO)
    exit(1)
}

func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
}

/// The key in a file, or a fresh one.
func identity(at path: String?) -> Ed25519.PrivateKey {
    guard let path else { return Ed25519.PrivateKey(seed: SystemEntropy.bytes(Ed25519.PrivateKey.seedByteCount)) }
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { fail("\(path) cannot be opened: \(unsafe String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: KeyCodec.privateByteCount + 1)
    let count = unsafe read(descriptor, &bytes, bytes.count)
    do {
        return try KeyCodec.decodePrivateKey(Array(bytes.prefix(max(0, count))))
    } catch {
        fail("\(path) holds no Ed25519 key of libp2p's form: \(error)")
    }
}

func unixNanoseconds() -> UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

func main(_ flags: DaemonFlags) {
    let machine = DaemonMachine(
        config: DaemonConfig(flags),
        identity: identity(at: flags.identityPath),
        firstSequence: unixNanoseconds(),
        random: SeededRandom(seed: SystemEntropy.bytes(SeededRandom.seedByteCount))
    )
    let driver = DaemonDriver(machine)
    let control: String
    do {
        control = try driver.start(control: flags.control).multiaddr
    } catch {
        fail("\(flags.control.multiaddr) cannot be listened at: \(error)")
    }
    for (endpoint, failure) in driver.listenFailures { fail("\(endpoint) cannot be listened at: \(failure)") }
    if !flags.isQuiet {
        let addresses = driver.listenAddresses.map { "\($0)\n" }.joined()
        write("Control socket: \(control)\nPeer ID: \(driver.peer)\nPeer Addrs:\n\(addresses)", to: STDOUT_FILENO)
    }
    driver.run()
}

do {
    let flags = try DaemonFlags(Array(CommandLine.arguments.dropFirst()))
    if flags.wantsHelp { write(DaemonFlags.help, to: STDOUT_FILENO) } else { main(flags) }
} catch {
    fail("\(error.words)\ntry libp2pd -help")
}
