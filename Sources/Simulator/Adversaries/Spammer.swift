internal import Market
internal import Node
internal import Primitives

/// Changes the price of one offer far more often than anybody may: every record is validly signed.
///
/// It commands its own node, so it works at every fidelity.
struct Spammer: Sendable {
    private(set) var pace: Pace
    private var commands = AdversaryCommands()
    private var offer: OfferID?
    private var hasPublished = false
    private var price: Int64 = 100_000

    init(perSecond: Int, begins: Instant) { pace = Pace(perSecond: perSecond, from: begins) }

    mutating func wake(at now: Instant) -> AdversaryActions {
        guard pace.take(at: now) else { return AdversaryActions() }
        guard let offer else {
            guard !hasPublished else { return AdversaryActions() }
            hasPublished = true
            return AdversaryActions(inputs: [commands.input(.publishOffer(.bait(micros: price)))])
        }
        price += 1
        var change = OfferChange()
        change.gpuHourMicros = price
        return AdversaryActions(inputs: [commands.input(.updateOffer(offer, change))])
    }

    /// Takes the answers to its own commands out.
    mutating func filter(_ outputs: inout [NodeMachine.Output]) {
        outputs.removeAll { output in
            guard case .answer(let id, let answer) = output, AdversaryCommands.owns(id) else { return false }
            switch answer {
            case .offer(let record):
                if case .offer(let body) = record.record.body { offer = body.offer }
            case .failed:
                // The first publication may come too early; a later refusal costs nothing.
                if offer == nil { hasPublished = false }
            default: break
            }
            return true
        }
    }
}

extension OfferDraft {
    /// An offer of a class that has one segment, which every scenario trades in.
    static func bait(micros: Int64) -> OfferDraft {
        let device = DeviceDraft(
            catalogueID: "",
            marketClass: .amdConsumer,
            rawName: "unlisted",
            memoryMebibytes: 8_192
        )
        return OfferDraft(devices: [device], terms: OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: micros)))
    }
}
