internal import CUV
internal import Glibc
internal import Swarm

/// An error of the system in libuv's numbering: the negative of `errno`.
struct SystemError: Error, Equatable {
    let code: Int32

    init(code: Int32) {
        self.code = code
    }

    init(errno number: Int32) {
        code = -number
    }

    /// The symbol, such as `ECONNREFUSED`.
    var name: String {
        var buffer = [CChar](repeating: 0, count: 64)
        unsafe uv_err_name_r(code, &buffer, buffer.count)
        let text = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return String(decoding: text, as: UTF8.self)
    }

    func isAny(of errnos: Int32...) -> Bool {
        errnos.contains(-code)
    }
}

extension TransportFailure {
    init(_ error: SystemError) {
        switch -error.code {
        case ECONNREFUSED: self = .refused
        case ETIMEDOUT: self = .timedOut
        case ENETUNREACH, EHOSTUNREACH, ENETDOWN, EHOSTDOWN: self = .unreachable
        case ECONNRESET, ECONNABORTED, EPIPE: self = .reset
        case EADDRINUSE: self = .addressInUse
        case EADDRNOTAVAIL: self = .addressNotAvailable
        case EACCES, EPERM: self = .permissionDenied
        case EMFILE, ENFILE: self = .tooManyDescriptors
        default: self = .system(error.name)
        }
    }
}
