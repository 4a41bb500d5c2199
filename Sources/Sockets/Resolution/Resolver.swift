internal import CUV
internal import Glibc
internal import Primitives
internal import Swarm

/// Looks names up on libuv's threads, a few at a time.
final class Resolver {
    private let loop: UVLoop
    private let limits: TCPLimits
    private var deliver: ((TransportInput) -> Void)?
    private var runningCount = 0
    private var waiting: [(id: ResolutionID, query: NameQuery)] = []

    init(on loop: UVLoop, limits: TCPLimits, deliver: @escaping (TransportInput) -> Void) {
        (self.loop, self.limits, self.deliver) = (loop, limits, deliver)
    }

    /// Answers every query exactly once, unless `shutDown` comes first.
    func resolve(_ id: ResolutionID, _ query: NameQuery) {
        guard waiting.count < limits.waitingLookupCountMax else { return answer(id, .failed("too many look-ups wait")) }
        waiting.append((id, query))
        startWaiting()
    }

    /// Forgets what waits; what is being looked up ends without anybody listening.
    func shutDown() {
        waiting = []
        deliver = nil
    }

    private func answer(_ id: ResolutionID, _ answer: NameAnswer) {
        deliver?(.resolved(id, answer))
    }

    private func startWaiting() {
        while runningCount < limits.lookupCountMax, !waiting.isEmpty {
            let (id, query) = waiting.removeFirst()
            let status =
                switch query {
                case .addresses(let name): startAddressLookup(id, name, family: AF_UNSPEC)
                case .ipv4Addresses(let name): startAddressLookup(id, name, family: AF_INET)
                case .ipv6Addresses(let name): startAddressLookup(id, name, family: AF_INET6)
                case .text(let name): startTextLookup(id, "_dnsaddr." + name)
                }
            if let failure = status { answer(id, .failed(failure)) } else { runningCount += 1 }
        }
    }

    fileprivate func ended(_ id: ResolutionID, _ result: NameAnswer) {
        runningCount -= 1
        answer(id, result)
        startWaiting()
    }

    /// RFC 1035 §2.3.4 allows 253 characters in a name as text; a zero byte would cut a C string.
    private static func isPlausible(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count) && !name.utf8.contains(0)
    }

    /// Why nothing was started, or `nil`.
    private func startAddressLookup(_ id: ResolutionID, _ name: String, family: Int32) -> String? {
        guard Self.isPlausible(name) else { return "no name" }
        var hints = unsafe addrinfo()
        unsafe hints.ai_family = family
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
        unsafe request.pointee.data = Lookup(id, for: self).retained()
        let status = unsafe uv_getaddrinfo(
            loop.pointer,
            request,
            { request, status, list in
                guard let request = unsafe request else { return }
                let lookup = unsafe Lookup.taken(from: request.pointee.data)
                unsafe request.deallocate()
                let addresses = unsafe Resolver.addresses(list)
                unsafe uv_freeaddrinfo(list)
                lookup.end(status == 0 ? .addresses(addresses) : .failed(SystemError(code: status).name))
            },
            name,
            nil,
            &hints
        )
        guard status != 0 else { return nil }
        _ = unsafe Lookup.taken(from: request.pointee.data)
        unsafe request.deallocate()
        return SystemError(code: status).name
    }

    fileprivate static func addresses(_ list: UnsafeMutablePointer<addrinfo>?) -> [IPAddress] {
        var found: [IPAddress] = []
        var entry = unsafe list
        while let current = unsafe entry, found.count < NameAnswer.countMax {
            if let address = unsafe current.pointee.ai_addr.flatMap({ unsafe Endpoint($0) })?.address,
                !found.contains(address)
            {
                found.append(address)
            }
            unsafe entry = current.pointee.ai_next
        }
        return found
    }

    private func startTextLookup(_ id: ResolutionID, _ name: String) -> String? {
        guard Self.isPlausible(name) else { return "no name" }
        let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
        let lookup = Lookup(id, for: self)
        lookup.name = name
        unsafe request.pointee.data = lookup.retained()
        let status = unsafe uv_queue_work(
            loop.pointer,
            request,
            { request in
                guard let request = unsafe request else { return }
                unsafe Lookup.borrowed(from: request.pointee.data).askForText()
            },
            { request, _ in
                guard let request = unsafe request else { return }
                let lookup = unsafe Lookup.taken(from: request.pointee.data)
                unsafe request.deallocate()
                lookup.end(lookup.text)
            }
        )
        guard status != 0 else { return nil }
        _ = unsafe Lookup.taken(from: request.pointee.data)
        unsafe request.deallocate()
        return SystemError(code: status).name
    }
}

/// What one look-up carries to libuv's thread and back.
///
/// One thread at a time has it: libuv's queue orders their accesses.
private final class Lookup {
    /// The largest message DNS has: 65,535 bytes over TCP (RFC 1035 §4.2.2).
    static let packetByteCountMax = 65_535

    let id: ResolutionID
    let resolver: Resolver
    var name = ""
    var text = NameAnswer.failed("not asked")

    init(_ id: ResolutionID, for resolver: Resolver) {
        (self.id, self.resolver) = (id, resolver)
    }

    func retained() -> UnsafeMutableRawPointer {
        unsafe Unmanaged.passRetained(self).toOpaque()
    }

    static func borrowed(from data: UnsafeMutableRawPointer) -> Lookup {
        unsafe Unmanaged<Lookup>.fromOpaque(data).takeUnretainedValue()
    }

    static func taken(from data: UnsafeMutableRawPointer) -> Lookup {
        unsafe Unmanaged<Lookup>.fromOpaque(data).takeRetainedValue()
    }

    /// Blocks; on libuv's thread.
    func askForText() {
        var packet = [UInt8](repeating: 0, count: Self.packetByteCountMax)
        let count = unsafe rialto_query_text(name, &packet, Int32(packet.count))
        guard count > 0 else {
            text = .failed("no answer")
            return
        }
        packet.removeSubrange(min(Int(count), packet.count)...)
        do throws(TextRecords.Failure) {
            text = .text(try TextRecords.parse(packet))
        } catch {
            text = .failed("\(error)")
        }
    }

    func end(_ answer: NameAnswer) {
        resolver.ended(id, answer)
    }
}
