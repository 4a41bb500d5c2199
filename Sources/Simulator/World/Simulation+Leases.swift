internal import Cryptography
internal import Market
internal import Node
internal import Primitives

// What renters do: each bids from time to time on something that it sees free.
extension Simulation {
    /// A wait before the next bid of a life, drawn from a stream of the life's own.
    mutating func planBid(of life: NodeLife) {
        guard nodes[life.index].isRenter, let plan = scenario.workload.leases else { return }
        var random = bidStream(of: life, .wait)
        let wait = Distribution.exponential(mean: plan.every).draw(using: &random)
        let opens = max(now, .zero.advanced(by: scenario.buildUp))
        let due = opens.advanced(by: wait)
        // The last leases are to end within the run, and their receipts to be signed.
        guard due.advanced(by: plan.lasting + LeaseLedger.settlement) < end else { return }
        queue.insert(.world(.bid(life)), at: due)
    }

    mutating func bid(of life: NodeLife) {
        guard nodes[life.index].life == life.life, let plan = scenario.workload.leases else { return }
        planBid(of: life)
        guard nodes[life.index].isUp, !nodes[life.index].isPaused else { return }
        let wall = unixMilliseconds(of: life.index)
        let free = nodes[life.index].machines[0].marketListings.filter {
            !$0.offer.freeSlots.isEmpty && $0.liveness(at: wall) == .live
        }.sorted { $0.id < $1.id }
        guard !free.isEmpty else { return }
        var random = bidStream(of: life, .choice)
        let listing = free[random.below(free.count)]
        let wish = BidWish(
            offer: listing.id,
            count: 1,
            gpuHourMicros: nil,
            durationSeconds: plan.seconds,
            terms: LeaseTerms(image: "simulated")
        )
        command(life.index, .placeBid(wish, waits: false))
    }

    func bidStream(of life: NodeLife, _ draw: WorkloadDraw) -> SimulationRandom {
        let count = Int(nodes[life.index].nextCommand)
        return streams.fast(.workload, node: life.index | Int(life.life) << 24 | count << 40 | 1 << 58 | draw.tag)
    }
}

extension LeasePlan {
    var seconds: Int { max(1, Int(lasting / .seconds(1))) }
    var meterSeconds: Int { max(1, Int(meterEvery / .seconds(1))) }
}
