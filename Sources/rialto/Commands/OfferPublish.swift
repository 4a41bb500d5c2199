internal import ArgumentParser
internal import Inventory
internal import LocalAPI
internal import Market

/// The command `rialto offer publish`.
struct OfferPublish: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Offer GPUs of this machine.",
        discussion: """
            'auto' finds the GPUs through the driver and makes one offer for each model. A catalogue id, with a count behind a \
            colon, declares them by hand: each time GPUs of their own, so a card that is declared twice is two cards to the market.

            Examples:
              rialto offer publish --gpu auto --price 0.35
              rialto offer publish --gpu rtx-4090:2 --price 0.35 --country DE --interruptible --notice 10m
              rialto offer publish --file offer.yaml

            offer.yaml has the same words, and flags win over it:
              gpu: rtx-4090:2
              price: 0.35
              unit: USD
              country: DE
              min: 1h
              max: 7d
              notice: 10m
              interruptible: true
              lowest_bid: 0.30
              storage_price: 0.05
              traffic_price: 0.01
              settlement: exec
            """
    )

    @OptionGroup var options: GlobalOptions
    @OptionGroup var terms: TermOptions

    @Option(help: "auto, or a catalogue id with a count: rtx-4090:2; one offer for each that is given.")
    var gpu: [String] = []

    @Option(help: "Where the machine stands: two letters, such as DE; said of one offer, it holds for all.")
    var country: String?

    @Flag(help: "Also lease to renters whom you may interrupt after the notice.")
    var interruptible = false

    @Option(help: "How leases are settled: credit, manual or exec (default: as policy.yaml says, else credit).")
    var settlement: String?

    @Option(help: ArgumentHelp("Read the offer from a file.", valueName: "offer.yaml"))
    var file: String?

    func run() async throws {
        var wish = self
        if let file { try wish.fill(from: file) }
        var terms = try wish.terms.terms()
        guard terms.priceMicros != nil else {
            throw CommandFailure(.usage, "an offer needs a price", hint: "give it with --price 0.35")
        }
        if wish.interruptible { terms.interruptible = true }
        if let country = wish.country, country.utf8.count != 2 || !country.allSatisfy({ $0.isASCII && $0.isLetter }) {
            throw CommandFailure(.usage, "--country '\(country)' is no country", hint: "write two letters, such as DE")
        }
        for devices in try wish.deviceGroups() {
            var request = PublishRequest(devices: devices, terms: terms)
            (request.country, request.settlement) = (wish.country, wish.settlement)
            request.host = Self.host(home: options.directory)
            let offer = try await options.client.send(
                "POST",
                "/v1/offers",
                body: request,
                expecting: PublishedOffer.self
            )
            let name = "\(offer.provider)/\(offer.offerID)"
            let price = "\(Amounts.text(micros: offer.priceMicros)) \(offer.unit)"
            print(
                options.json ? JSONFormat.text(offer) : "published \(name)  \(devices[0].gpu) x\(offer.count)  \(price)"
            )
        }
    }

    /// The devices of each offer: one offer for each model.
    private func deviceGroups() throws -> [[DeviceRequest]] {
        guard !gpu.isEmpty else {
            throw CommandFailure(.usage, "an offer needs GPUs", hint: "give them with --gpu auto")
        }
        return try gpu.flatMap { text in try text == "auto" ? Self.detected() : [Self.declared(text)] }
    }

    private static func declared(_ text: String) throws -> [DeviceRequest] {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let count = parts.count == 2 ? Int(parts[1]) : 1
        guard let count, (1...OfferBody.Bounds.slotCountMax).contains(count) else {
            throw CommandFailure(.usage, "--gpu '\(text)': the count is 1 to \(OfferBody.Bounds.slotCountMax)")
        }
        return Array(repeating: DeviceRequest(gpu: try model(named: String(parts[0])).id), count: count)
    }

    /// The catalogue is here too: a slip of the finger needs no node to be found.
    private static func model(named text: String) throws -> GPUModel {
        let models = Catalogue.standard.models(named: text)
        if models.count == 1 { return models[0] }
        guard models.isEmpty else {
            let candidates = models.map(\.id).joined(separator: ", ")
            throw CommandFailure(.usage, "'\(text)' means several GPUs", hint: "name one of \(candidates)")
        }
        let hint = Catalogue.standard.nearestID(to: text).map { "did you mean '\($0)'?" }
        throw CommandFailure(.usage, "the catalogue has no GPU '\(text)'", hint: hint)
    }

    private static func detected() throws -> [[DeviceRequest]] {
        let report = GPUInventory().detect()
        for problem in report.problems { Terminal.complain("warning: \(problem)") }
        guard !report.gpus.isEmpty else {
            throw CommandFailure(.failed, "the driver knows no GPU", hint: report.hint)
        }
        var groups: [(name: String, devices: [DeviceRequest])] = []
        for gpu in report.gpus {
            var device = DeviceRequest(gpu: gpu.model?.id ?? "")
            (device.uuid, device.name, device.memoryMib) = (gpu.uuid, gpu.name, gpu.memoryMiB)
            (device.driver, device.computeCapability) = (gpu.driver, gpu.computeCapability?.description)
            if let index = groups.firstIndex(where: { $0.name == gpu.name }) {
                groups[index].devices.append(device)
            } else {
                groups.append((gpu.name, [device]))
            }
        }
        return groups.map(\.devices)
    }

    private static func host(home: String) -> HostRequest {
        let claim = HostFacts.read(diskPath: home).claim
        var host = HostRequest()
        (host.cpuModel, host.cores, host.memoryMib) = (claim.cpuModel, claim.coreCount, claim.memoryMebibytes)
        (host.diskGib, host.operatingSystem) = (claim.diskGibibytes, claim.operatingSystem)
        host.architecture = claim.architecture
        return host
    }

    private enum FileKey: String, CaseIterable {
        case gpu, price, unit, country, min, max, notice, interruptible, settlement
        case lowestBid = "lowest_bid"
        case storagePrice = "storage_price"
        case trafficPrice = "traffic_price"
    }

    /// Takes from a file what no flag said.
    private mutating func fill(from path: String) throws {
        for (name, values) in try YAMLMapping.read(path: path).entries {
            guard let key = FileKey(rawValue: name) else {
                throw YAMLMapping.unknown(name, path: path, known: FileKey.allCases.map(\.rawValue))
            }
            guard values.count == 1, let value = values.first else {
                throw CommandFailure(.usage, "\(path): '\(name)' takes one value")
            }
            switch key {
            case .gpu: if gpu.isEmpty { gpu = [value] }
            case .price: terms.price = terms.price ?? value
            case .unit: terms.unit = terms.unit ?? value
            case .country: country = country ?? value
            case .min: terms.min = terms.min ?? value
            case .max: terms.max = terms.max ?? value
            case .notice: terms.notice = terms.notice ?? value
            case .lowestBid: terms.lowestBid = terms.lowestBid ?? value
            case .storagePrice: terms.storagePrice = terms.storagePrice ?? value
            case .trafficPrice: terms.trafficPrice = terms.trafficPrice ?? value
            case .settlement: settlement = settlement ?? value
            case .interruptible:
                guard ["true", "false"].contains(value) else {
                    throw CommandFailure(.usage, "\(path): 'interruptible' is true or false")
                }
                interruptible = interruptible || value == "true"
            }
        }
    }
}
