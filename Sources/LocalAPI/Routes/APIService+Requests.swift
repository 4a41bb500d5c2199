internal import Cryptography
internal import Identity
internal import Market
internal import Node

// Requests of this node: the reverse auction from the renter's side.
extension APIService {
    private static let openSecondsMax = Int(RequestBody.Bounds.deadlineMillisecondsMax / 1_000)

    func requests() async throws -> [RequestView] { try await requestStatuses().compactMap(RequestView.init) }

    func publishRequest(_ request: RequestRequest) async throws -> RequestView {
        let draft = try draft(request)
        let answer = try await ask(.publishRequest(draft))
        guard case .statement(let record) = answer, case .request(let body) = record.record.body else {
            throw unexpected(answer)
        }
        let status = RequestStatus(
            request: body.request,
            record: record,
            isAutomatic: draft.isAutomatic,
            deadline: body.deadline,
            outcome: .open,
            candidates: []
        )
        guard let view = RequestView(status) else { throw unexpected(answer) }
        return view
    }

    func requestBids(_ name: String) async throws -> [RequestBidView] {
        let status = try await requestStatus(named: name)
        let snapshot = try await snapshot()
        let walks = trust.walks(snapshot, auditors: shell.auditors())
        return status.candidates.map { RequestBidView($0, trust: walks?.score(of: $0.record.author)) }
    }

    func accept(_ name: String, _ wish: AcceptRequest) async throws -> AcceptView {
        let status = try await requestStatus(named: name)
        let bid = try wish.bid.map { prefix throws(APIError) in
            let found = status.candidates.filter { $0.body.bid.description.hasPrefix(prefix.lowercased()) }
            guard let first = found.first else {
                throw APIError(
                    .notFound,
                    "no bid on this request is named '\(prefix)'",
                    hint: "see: rialto request bids"
                )
            }
            guard found.count == 1 else { throw APIError(.ambiguous, "'\(prefix)' means \(found.count) bids") }
            if let shortfall = first.shortfall { throw APIError(.refused, "this bid cannot be accepted: \(shortfall)") }
            return first.body.bid
        }
        guard let answer = try await patiently({ try await ask(.acceptRequest(status.request, bid)) }) else {
            throw APIError(
                .unavailable,
                "the bid is under way: its provider compares bids, and this may take a day",
                hint: "see what becomes of it: rialto request list, rialto lease list"
            )
        }
        guard case .bid(let outcome) = answer else { throw unexpected(answer) }
        return AcceptView(outcome)
    }

    /// The answer, if it comes within the time that a request may take; what was asked goes on anyway.
    private func patiently(
        _ question: @escaping @Sendable () async throws -> NodeAnswer
    ) async throws -> NodeAnswer? {
        let (answers, sink) = AsyncThrowingStream.makeStream(of: NodeAnswer.self)
        Task {
            do {
                sink.yield(try await question())
            } catch {
                sink.finish(throwing: error)
            }
        }
        let end = Task {
            try await Task.sleep(for: Self.bidPatience)
            sink.finish()
        }
        defer { end.cancel() }
        return try await answers.first { _ in true }
    }

    func withdrawRequest(_ name: String) async throws -> Outcome {
        let status = try await requestStatus(named: name)
        _ = try await ask(.withdrawRequest(status.request))
        return Outcome()
    }

    private func requestStatuses() async throws -> [RequestStatus] {
        let answer = try await ask(.requests)
        guard case .requests(let statuses) = answer else { throw unexpected(answer) }
        return statuses
    }

    private func requestStatus(named name: String) async throws -> RequestStatus {
        let found = try await requestStatuses().filter { $0.request.description.hasPrefix(name.lowercased()) }
        guard let first = found.first, !name.isEmpty else {
            throw APIError(.notFound, "no request is named '\(name)'", hint: "list yours: rialto request list")
        }
        guard found.count == 1 else { throw APIError(.ambiguous, "'\(name)' means \(found.count) requests") }
        return first
    }

    private func draft(_ request: RequestRequest) throws(APIError) -> RequestDraft {
        guard !request.gpus.isEmpty else { throw APIError(.badRequest, "a request names at least one GPU") }
        guard (1...RequestBody.Bounds.countMax).contains(request.count) else {
            throw APIError(.badRequest, "a lease has 1 to \(RequestBody.Bounds.countMax) GPUs")
        }
        guard request.totalMicrosMax > 0 else {
            throw APIError(
                .badRequest,
                "nobody lets GPUs for nothing",
                hint: "say the most that the whole lease may cost: --total 3.20"
            )
        }
        guard (1...Self.openSecondsMax).contains(request.openSeconds) else {
            throw APIError(.badRequest, "bids are taken for 1 s to \(Self.openSecondsMax / 3_600) h")
        }
        var models: [GPUModel] = []
        for text in request.gpus { models += try self.models(named: text) }
        let classes = Set(models.map { MarketClass(vendor: $0.vendor, gpuClass: $0.gpuClass) })
        guard classes.count == 1, let marketClass = classes.first else {
            throw APIError(
                .badRequest,
                "these GPUs are of several market classes: \(classes.map(\.name).sorted().joined(separator: ", "))",
                hint: "publish one request for each class"
            )
        }
        if let filters = request.filters {
            do {
                _ = try SearchQuery(text: filters, catalogue: catalogue)
            } catch {
                throw APIError(.badRequest, error.description)
            }
        }
        let ids = Set(models.map(\.id)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        // An alternative holds eight models; a family may have more.
        let step = RequestBody.Bounds.catalogueIDCountMax
        let alternatives = stride(from: 0, to: ids.count, by: step).map { start in
            RequestBody.Alternative(
                marketClass: marketClass,
                catalogueIDs: Array(ids[start..<min(start + step, ids.count)]),
                count: request.count,
                memoryMinMebibytes: request.memoryMinMib ?? 0
            )
        }
        var draft = RequestDraft(
            alternatives: alternatives,
            totalMicrosMax: request.totalMicrosMax,
            durationSeconds: request.seconds,
            openMilliseconds: Int64(request.openSeconds) * 1_000,
            terms: LeaseTerms(
                image: request.image ?? "",
                command: request.command ?? [],
                environment: request.environment ?? [],
                ports: request.ports ?? [],
                accessKeys: request.accessKeys ?? []
            )
        )
        (draft.filters, draft.unit) = (request.filters ?? "", try unit(request.unit) ?? PriceUnit.standard)
        // Providers underbid each other only where they see each other.
        (draft.hasPublicBids, draft.isAutomatic) = (request.publicBids ?? true, request.automatic ?? true)
        if let complaint = draft.terms.complaint { throw APIError(.badRequest, complaint) }
        return draft
    }
}
