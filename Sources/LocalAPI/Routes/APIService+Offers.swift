internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives

// What this node offers, and how offers are named.
extension APIService {
    func ownOffers() async throws -> [OfferRow] {
        let snapshot = try await snapshot()
        let own = try await offersOfOurs()
        return rows(snapshot) { own[$0.id] != nil }
    }

    func offer(named name: String) async throws -> OfferRow {
        let snapshot = try await snapshot()
        let id = try await resolve(name, among: snapshot.listings.map(\.id))
        guard let row = rows(snapshot, where: { $0.id == id }).first else {
            throw APIError(.notFound, "no offer is named '\(name)'")
        }
        shownPrices.note(snapshot.listings.filter { $0.id == id })
        return row
    }

    func publish(_ request: PublishRequest) async throws -> PublishedOffer {
        var draft = OfferDraft(devices: try request.devices.map(device), terms: try terms(request.terms))
        if let country = request.country {
            var place = MachineBody.Place()
            place.country = country.uppercased()
            draft.place = place
        }
        if let stated = request.host {
            var host = MachineBody.Host()
            (host.cpuModel, host.coreCount, host.memoryMebibytes) = (stated.cpuModel, stated.cores, stated.memoryMib)
            (host.diskGibibytes, host.operatingSystem) = (stated.diskGib, stated.operatingSystem)
            host.architecture = stated.architecture
            draft.host = host
        }
        let defaults = shell.offerDefaults()
        if defaults.awardWindowSeconds > 0 {
            (draft.terms.awardPolicy, draft.terms.awardWindowSeconds) = (.bestAtDeadline, defaults.awardWindowSeconds)
        }
        try checkFloor(draft.terms.price, defaults)
        draft.terms.settlements = [try settlement(request.settlement, defaults).rawValue]
        if !defaults.runtimes.isEmpty { draft.runtimes = defaults.runtimes }
        return try await published(.publishOffer(draft))
    }

    func update(_ name: String, _ terms: TermsRequest) async throws -> PublishedOffer {
        let (id, offer) = try await resolveOwn(name)
        var change = OfferChange()
        (change.unit, change.gpuHourMicros) = (try unit(terms.unit), terms.priceMicros)
        guard change.unit == nil || change.unit == offer.price.unit || change.gpuHourMicros != nil else {
            throw APIError(.badRequest, "another unit needs another price", hint: "give it with --price")
        }
        (change.lowestBidMicros, change.noticeSeconds) = (terms.lowestBidMicros, terms.noticeSeconds)
        change.storageGibibyteMonthMicros = terms.storageGibMonthMicros
        change.trafficGibibyteMicros = terms.trafficGibMicros
        change.modes = terms.interruptible.map { $0 ? [.onDemand, .interruptible] : [.onDemand] }
        (change.durationMinSeconds, change.durationMaxSeconds) = (terms.minSeconds, terms.maxSeconds)
        if change.unit != nil || change.gpuHourMicros != nil {
            try checkFloor(change.applied(to: offer).price, shell.offerDefaults())
        }
        return try await published(.updateOffer(id.offer, change))
    }

    func withdraw(_ name: String, reason: Int) async throws -> Outcome {
        let (id, _) = try await resolveOwn(name)
        _ = try await ask(.withdrawOffer(id.offer, reason: reason))
        return Outcome()
    }

    private func settlement(_ name: String?, _ defaults: OfferDefaults) throws(APIError) -> SettlementRail {
        let named = name.flatMap(SettlementRail.init)
        guard let rail = name == nil ? defaults.settlement : named else {
            throw APIError(.badRequest, "nobody settles by '\(name ?? "")'", hint: "choose credit, manual or exec")
        }
        guard rail != .exec || defaults.settlesByProgram else {
            throw APIError(
                .badRequest,
                "settlement 'exec' needs a program that settles",
                hint: "name it in policy.yaml: settle: [/usr/local/bin/settle], then: rialto config reload"
            )
        }
        return rail
    }

    /// An offer below the floor would show a price at which this node lets nobody in.
    private func checkFloor(_ price: PriceTerms, _ defaults: OfferDefaults) throws(APIError) {
        guard let floor = defaults.floorMicros[price.unit], price.gpuHourMicros < floor else { return }
        throw APIError(
            .badRequest,
            "the price is below the floor of policy.yaml, so every bid at it would be refused",
            hint: "ask at least \(PriceUnit.amount(micros: floor)) \(price.unit), or lower the floor"
        )
    }

    /// A unit as records write it.
    func unit(_ text: String?) throws(APIError) -> String? {
        guard let text else { return nil }
        guard let unit = PriceUnit.canonical(text) else {
            throw APIError(.badRequest, "'\(text)' is no unit", hint: "write a currency code, or sat, kWh, credit")
        }
        return unit
    }

    private func published(_ command: NodeCommand) async throws -> PublishedOffer {
        let answer = try await ask(command)
        guard case .offer(let record) = answer, case .offer(let body) = record.record.body else {
            throw unexpected(answer)
        }
        return PublishedOffer(record, offer: body)
    }

    private func device(_ request: DeviceRequest) throws(APIError) -> DeviceDraft {
        let model = try request.gpu.isEmpty ? nil : model(named: request.gpu)
        guard let uuid = request.uuid else {
            guard let model else { throw APIError(.badRequest, "a GPU is named by its catalogue id") }
            return DeviceDraft(declaring: model)
        }
        var draft = DeviceDraft(
            uuid: uuid,
            catalogueID: model?.id ?? "",
            marketClass: model.map { MarketClass(vendor: $0.vendor, gpuClass: $0.gpuClass) } ?? .other
        )
        (draft.rawName, draft.memoryMebibytes) = (request.name ?? "", request.memoryMib ?? 0)
        (draft.driver, draft.computeCapability) = (request.driver ?? "", request.computeCapability ?? "")
        return draft
    }

    private func model(named text: String) throws(APIError) -> GPUModel {
        let models = try models(named: text)
        if models.count == 1 { return models[0] }
        let candidates = models.map(\.id).joined(separator: ", ")
        throw APIError(.badRequest, "'\(text)' means several GPUs", hint: "name one of \(candidates)")
    }

    private func terms(_ request: TermsRequest) throws(APIError) -> OfferTerms {
        guard let price = request.priceMicros else { throw APIError(.badRequest, "an offer needs a price") }
        var terms = OfferTerms(
            price: PriceTerms(
                unit: try unit(request.unit) ?? PriceUnit.standard,
                gpuHourMicros: price,
                lowestBidMicros: request.lowestBidMicros ?? 0,
                storageGibibyteMonthMicros: request.storageGibMonthMicros ?? 0,
                trafficGibibyteMicros: request.trafficGibMicros ?? 0
            )
        )
        if request.interruptible == true { terms.modes = [.onDemand, .interruptible] }
        if let seconds = request.minSeconds { terms.durationMinSeconds = seconds }
        if let seconds = request.maxSeconds { terms.durationMaxSeconds = seconds }
        if let seconds = request.noticeSeconds { terms.noticeSeconds = seconds }
        return terms
    }

    // MARK: Names

    private func offersOfOurs() async throws -> [ListingID: OfferBody] {
        let answer = try await ask(.ownOffers)
        guard case .offers(let records) = answer else { throw unexpected(answer) }
        var offers: [ListingID: OfferBody] = [:]
        for record in records {
            guard case .offer(let body) = record.record.body else { continue }
            offers[ListingID(provider: record.author, offer: body.offer)] = body
        }
        return offers
    }

    private func resolveOwn(_ name: String) async throws -> (ListingID, OfferBody) {
        let offers = try await offersOfOurs()
        let id = try await resolve(name, among: Array(offers.keys), hint: "list yours with: rialto offer list")
        guard let offer = offers[id] else { throw APIError(.notFound, "no offer is named '\(name)'") }
        return (id, offer)
    }

    /// The one offer that `<provider>/<offer id>`, or the beginning of an offer id alone, means.
    func resolve(
        _ name: String,
        among ids: [ListingID],
        hint: String = "see what there is: rialto search"
    ) async throws -> ListingID {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...2).contains(parts.count), let offer = parts.last?.lowercased(), !offer.isEmpty else {
            throw APIError(.badRequest, "'\(name)' names no offer", hint: "write <provider>/<offer id>")
        }
        let provider = parts.count == 2 ? parts[0] : ""
        // A whole name is compared as what it names: to spell out every id of the market costs a millisecond.
        if let whole = Self.wholeName(provider, offer), ids.contains(whole) { return whole }
        let found = ids.filter { id in
            id.offer.description.hasPrefix(offer)
                && (provider.isEmpty || PeerID(publicKey: id.provider).description.hasPrefix(provider))
        }.sorted()
        guard let first = found.first else {
            throw APIError(.notFound, "no offer is named '\(name)'", hint: hint)
        }
        guard found.count == 1 else {
            let names = found.prefix(8).map { "\(PeerID(publicKey: $0.provider))/\($0.offer)" }
            throw APIError(.ambiguous, "'\(name)' means \(found.count) offers", hint: names.joined(separator: ", "))
        }
        return first
    }

    private static func wholeName(_ provider: String, _ offer: String) -> ListingID? {
        guard let key = (try? PeerID(text: provider))?.publicKey, let bytes = EnvelopeText.hexadecimal(offer) else {
            return nil
        }
        return OfferID(bytes).map { ListingID(provider: key, offer: $0) }
    }

    private func rows(_ snapshot: MarketSnapshot, where isIncluded: (Listing) -> Bool) -> [OfferRow] {
        snapshot.listings.filter(isIncluded).sorted { $0.id < $1.id }.map { listing in
            let model = listing.devices.first.flatMap { catalogue[$0.catalogueID] }
            return OfferRow(listing, model: model, now: snapshot.unixMilliseconds)
        }
    }
}
