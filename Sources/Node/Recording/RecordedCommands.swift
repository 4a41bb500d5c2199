internal import Cryptography
internal import Identity
internal import Market
internal import Swarm

/// What an operator asked for.
extension RecordingWriter {
    mutating func command(_ command: NodeCommand) {
        switch command {
        case .status: number(0)
        case .peers: number(1)
        case .connect(let addresses):
            number(2)
            list(addresses) { $0.bytes($1.bytes) }
        case .disconnect(let peer):
            number(3)
            bytes(peer.bytes)
        case .snapshot: number(4)
        case .publishOffer(let draft):
            number(5)
            self.draft(draft)
        case .updateOffer(let offer, let change):
            number(6)
            bytes(offer.value.bytes)
            self.change(change)
        case .withdrawOffer(let offer, let reason):
            number(7)
            bytes(offer.value.bytes)
            signed(Int64(reason))
        case .ownOffers: number(8)
        case .findRecords(let prefix):
            number(9)
            bytes(prefix)
        case .exportRecords(let subject):
            number(10)
            optional(subject) { $0.subject($1) }
        case .importRecords(let envelopes):
            number(11)
            list(envelopes) { $0.bytes($1) }
        case .resumeKey: number(12)
        case .shutdown: number(13)
        case .bans: number(14)
        case .ban(let ban):
            number(15)
            self.ban(ban)
        case .unban(let target):
            number(16)
            text("\(target)")
        case .tune(let tuning):
            number(17)
            self.tuning(tuning)
        case .metrics: number(18)
        case .dht(let command):
            number(19)
            self.command(command)
        case .proofs(let provider):
            number(20)
            bytes(provider.bytes)
        case .attest, .publishRequest, .withdrawRequest, .acceptRequest, .requests: requestCommand(command)
        case .placeBid, .bids, .cancelBid, .leases, .closeLease, .readyLease, .settleLease, .credit, .leasePolicy,
            .setLeasePolicy:
            leaseCommand(command)
        case .findStorefront(let peer):
            number(40)
            bytes(peer.bytes)
        case .look(let segments, let models):
            number(41)
            list(segments.sorted()) { $0.segment($1) }
            list(models.sorted()) { $0.text($1) }
        case .follow(let segments):
            number(42)
            list(segments.sorted()) { $0.segment($1) }
        }
    }

    mutating func tuning(_ value: NodeTuning) {
        list(value.banned) { $0.ban($1) }
        list(value.allowed) { $0.text("\($1)") }
        count(max(0, value.connectionsLow))
        count(max(0, value.connectionsHigh))
    }

    private mutating func draft(_ draft: OfferDraft) {
        list(draft.devices) { $0.device($1) }
        terms(draft.terms)
        optional(draft.host) { writer, host in
            writer.text(host.cpuModel)
            for value in [host.coreCount, host.memoryMebibytes, host.diskGibibytes, host.diskMegabytesPerSecond] {
                writer.signed(Int64(value))
            }
            writer.text(host.operatingSystem)
            writer.text(host.architecture)
        }
        optional(draft.network) { writer, network in
            for value in [network.downMegabitsPerSecond, network.upMegabitsPerSecond, network.portCount] {
                writer.signed(Int64(value))
            }
            writer.optional(network.reach) { $0.number(UInt64($1.rawValue)) }
        }
        optional(draft.place) { writer, place in
            for value in [place.country, place.continent, place.city] { writer.text(value) }
        }
        optional(draft.power) { writer, power in
            writer.signed(Int64(power.wattsPerDevice))
            writer.signed(Int64(power.gramsPerKilowattHour))
            writer.text(power.source)
        }
        optional(draft.runtimes) { $0.list($1) { $0.text($1) } }
    }

    private mutating func device(_ device: DeviceDraft) {
        optional(device.uuid) { $0.text($1) }
        text(device.catalogueID)
        number(UInt64(device.marketClass.rawValue))
        text(device.rawName)
        signed(Int64(device.memoryMebibytes))
        text(device.driver)
        text(device.computeCapability)
    }

    private mutating func terms(_ terms: OfferTerms) {
        text(terms.price.unit)
        for value in [
            terms.price.gpuHourMicros, terms.price.lowestBidMicros, terms.price.storageGibibyteMonthMicros,
            terms.price.trafficGibibyteMicros,
        ] { signed(value) }
        list(terms.modes) { $0.number(UInt64($1.rawValue)) }
        for value in [
            terms.durationMinSeconds, terms.durationMaxSeconds, terms.noticeSeconds, terms.awardWindowSeconds,
        ] { signed(Int64(value)) }
        list(terms.settlements) { $0.text($1) }
        number(UInt64(terms.awardPolicy.rawValue))
        flag(terms.hasPublicBids)
    }

    private mutating func change(_ change: OfferChange) {
        optional(change.unit) { $0.text($1) }
        for value in [
            change.gpuHourMicros, change.lowestBidMicros, change.storageGibibyteMonthMicros,
            change.trafficGibibyteMicros, change.durationMinSeconds.map(Int64.init),
            change.durationMaxSeconds.map(Int64.init), change.noticeSeconds.map(Int64.init),
        ] { optional(value) { $0.signed($1) } }
        optional(change.modes) { $0.list($1) { $0.number(UInt64($1.rawValue)) } }
    }
}

extension RecordingReader {
    mutating func command() throws(RecordingError) -> NodeCommand {
        switch try number() {
        case 0: return .status
        case 1: return .peers
        case 2: return .connect(try list { reader throws(RecordingError) in try reader.multiaddr() })
        case 3: return .disconnect(try peer())
        case 4: return .snapshot
        case 5: return .publishOffer(try draft())
        case 6: return .updateOffer(try offer(), try change())
        case 7: return .withdrawOffer(try offer(), reason: try whole())
        case 8: return .ownOffers
        case 9: return .findRecords(prefix: try byteArray())
        case 10: return .exportRecords(after: try optional { reader throws(RecordingError) in try reader.subject() })
        case 11: return .importRecords(try list { reader throws(RecordingError) in try reader.byteArray() })
        case 12: return .resumeKey
        case 13: return .shutdown
        case 14: return .bans
        case 15: return .ban(try ban())
        case 16: return .unban(try banTarget())
        case 17: return .tune(try tuning())
        case 18: return .metrics
        case 19: return .dht(try tableCommand())
        case 20: return .proofs(try publicKey())
        case 40: return .findStorefront(try peer())
        case 41:
            let segments = try list { reader throws(RecordingError) in try reader.segment() }
            return .look(Set(segments), models: Set(try list { reader throws(RecordingError) in try reader.text() }))
        case 42: return .follow(Set(try list { reader throws(RecordingError) in try reader.segment() }))
        case let number where RecordingReader.requestCommands.contains(number): return try requestCommand(number)
        case let number: return try leaseCommand(number)
        }
    }

    mutating func tuning() throws(RecordingError) -> NodeTuning {
        var tuning = NodeTuning()
        tuning.banned = try list { reader throws(RecordingError) in try reader.ban() }
        tuning.allowed = try list { reader throws(RecordingError) in try reader.banTarget() }
        tuning.connectionsLow = try count()
        tuning.connectionsHigh = try count()
        return tuning
    }

    mutating func whole() throws(RecordingError) -> Int {
        guard let value = Int(exactly: try signed()) else { throw .senseless }
        return value
    }

    private mutating func offer() throws(RecordingError) -> OfferID {
        try checked { reader throws(RecordingError) in OfferID(try reader.byteArray()) }
    }

    private mutating func draft() throws(RecordingError) -> OfferDraft {
        let devices = try list { reader throws(RecordingError) in try reader.device() }
        var draft = OfferDraft(devices: devices, terms: try terms())
        draft.host = try optional { reader throws(RecordingError) in
            var host = MachineBody.Host()
            host.cpuModel = try reader.text()
            (host.coreCount, host.memoryMebibytes) = (try reader.whole(), try reader.whole())
            (host.diskGibibytes, host.diskMegabytesPerSecond) = (try reader.whole(), try reader.whole())
            (host.operatingSystem, host.architecture) = (try reader.text(), try reader.text())
            return host
        }
        draft.network = try optional { reader throws(RecordingError) in
            var network = MachineBody.Network()
            (network.downMegabitsPerSecond, network.upMegabitsPerSecond) = (try reader.whole(), try reader.whole())
            network.portCount = try reader.whole()
            network.reach = try reader.optional { reader throws(RecordingError) in
                try reader.choice(MachineBody.Reach.self)
            }
            return network
        }
        draft.place = try optional { reader throws(RecordingError) in
            var place = MachineBody.Place()
            (place.country, place.continent, place.city) = (try reader.text(), try reader.text(), try reader.text())
            return place
        }
        draft.power = try optional { reader throws(RecordingError) in
            var power = MachineBody.Power()
            (power.wattsPerDevice, power.gramsPerKilowattHour) = (try reader.whole(), try reader.whole())
            power.source = try reader.text()
            return power
        }
        draft.runtimes = try optional { reader throws(RecordingError) in
            try reader.list { reader throws(RecordingError) in try reader.text() }
        }
        return draft
    }

    private mutating func device() throws(RecordingError) -> DeviceDraft {
        DeviceDraft(
            uuid: try optional { reader throws(RecordingError) in try reader.text() },
            catalogueID: try text(),
            marketClass: try choice(MarketClass.self),
            rawName: try text(),
            memoryMebibytes: try whole(),
            driver: try text(),
            computeCapability: try text()
        )
    }

    private mutating func terms() throws(RecordingError) -> OfferTerms {
        let price = PriceTerms(
            unit: try text(),
            gpuHourMicros: try signed(),
            lowestBidMicros: try signed(),
            storageGibibyteMonthMicros: try signed(),
            trafficGibibyteMicros: try signed()
        )
        var terms = OfferTerms(price: price)
        terms.modes = try list { reader throws(RecordingError) in try reader.choice(OfferBody.Mode.self) }
        (terms.durationMinSeconds, terms.durationMaxSeconds) = (try whole(), try whole())
        (terms.noticeSeconds, terms.awardWindowSeconds) = (try whole(), try whole())
        terms.settlements = try list { reader throws(RecordingError) in try reader.text() }
        terms.awardPolicy = try choice(OfferBody.AwardPolicy.self)
        terms.hasPublicBids = try flag()
        return terms
    }

    private mutating func change() throws(RecordingError) -> OfferChange {
        var change = OfferChange()
        change.unit = try optional { reader throws(RecordingError) in try reader.text() }
        let signed = { (reader: inout RecordingReader) throws(RecordingError) -> Int64 in try reader.signed() }
        let whole = { (reader: inout RecordingReader) throws(RecordingError) -> Int in try reader.whole() }
        change.gpuHourMicros = try optional(signed)
        change.lowestBidMicros = try optional(signed)
        change.storageGibibyteMonthMicros = try optional(signed)
        change.trafficGibibyteMicros = try optional(signed)
        change.durationMinSeconds = try optional(whole)
        change.durationMaxSeconds = try optional(whole)
        change.noticeSeconds = try optional(whole)
        change.modes = try optional { reader throws(RecordingError) in
            try reader.list { reader throws(RecordingError) in try reader.choice(OfferBody.Mode.self) }
        }
        return change
    }
}
