internal import FlyingFox
internal import FlyingSocks
internal import Foundation

/// Brings HTTP messages to the service and its answers back.
struct HTTPAdapter: HTTPHandler {
    let service: APIService
    let origin: APIRequest.Origin

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        var body: [UInt8] = []
        for try await chunk in request.bodySequence {
            body.append(contentsOf: chunk)
            guard body.count <= APIRequest.bodyByteCountMax else {
                let error = APIError(.tooMany, "the body has more than \(APIRequest.bodyByteCountMax) bytes")
                return response(.failure(error))
            }
        }
        let query = Dictionary(request.query.map { ($0.name, $0.value) }) { _, last in last }
        let headers = Dictionary(request.headers.map { ($0.key.rawValue.lowercased(), $0.value) }) { _, last in last }
        return response(
            await service.respond(
                to: APIRequest(
                    request.method.rawValue,
                    request.path,
                    query: query,
                    headers: headers,
                    body: body,
                    origin: origin
                )
            )
        )
    }

    private func response(_ answer: APIResponse) -> HTTPResponse {
        let status = HTTPStatusCode(answer.status, phrase: answer.status < 400 ? "OK" : "Error")
        let headers: HTTPHeaders = [
            .contentType: answer.contentType,
            HTTPHeader("Cache-Control"): "no-store",
            HTTPHeader("X-Content-Type-Options"): "nosniff",
        ]
        switch answer.body {
        case .bytes(let bytes): return HTTPResponse(statusCode: status, headers: headers, body: Data(bytes))
        case .events(let events):
            let body = HTTPBodySequence(from: EventBytes(events: events))
            return HTTPResponse(statusCode: status, headers: headers, body: body)
        }
    }
}

/// Events as the server wants to read them: each buffer is one whole event, sent as it comes.
private struct EventBytes: AsyncBufferedSequence {
    typealias Element = UInt8
    let events: AsyncStream<[UInt8]>

    func makeAsyncIterator() -> Iterator {
        Iterator(base: events.makeAsyncIterator())
    }

    struct Iterator: AsyncBufferedIteratorProtocol {
        var base: AsyncStream<[UInt8]>.AsyncIterator
        private var rest: ArraySlice<UInt8> = []

        init(base: AsyncStream<[UInt8]>.AsyncIterator) {
            self.base = base
        }

        mutating func next() async throws -> UInt8? {
            if rest.isEmpty { rest = try await nextBuffer(suggested: 1)?[...] ?? [] }
            return rest.popFirst()
        }

        mutating func nextBuffer(suggested count: Int) async throws -> [UInt8]? {
            await base.next(isolation: #isolation)
        }
    }
}
