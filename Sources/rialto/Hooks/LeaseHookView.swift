internal import Identity
internal import Market
internal import Node

/// What a hook reads on standard input: one JSON object.
struct LeaseHookView: Encodable {
    let event: String
    let leaseID: String
    let provider: String
    let renter: String
    let offerID: String
    let machineID: String
    let slots: [Int]
    let startUnixMs: Int64
    let endUnixMs: Int64
    let unit: String
    /// For one GPU and one hour.
    let priceMicros: Int64
    /// Absent if the renter's box cannot be opened.
    let image: String?
    let command: [String]?
    let environment: [String]?
    let ports: [Int]?
    let accessKeys: [String]?
    /// Why it ended; absent while it runs.
    let code: Int?
    let reason: String?

    init(_ event: String, _ lease: LeaseSummary) {
        self.event = event
        leaseID = lease.lease.description
        provider = PeerID(publicKey: lease.body.provider).description
        renter = PeerID(publicKey: lease.body.renter).description
        (offerID, machineID) = (lease.body.offer.description, lease.body.machine.description)
        slots = lease.body.slots.map(\.number)
        (startUnixMs, endUnixMs) = (lease.body.startAt, lease.body.endAt)
        (unit, priceMicros) = (lease.body.price.unit, lease.body.price.gpuHourMicros)
        (image, command, environment) = (lease.terms?.image, lease.terms?.command, lease.terms?.environment)
        (ports, accessKeys) = (lease.terms?.ports, lease.terms?.accessKeys)
        (code, reason) = (lease.code?.rawValue, lease.code?.description)
    }
}
