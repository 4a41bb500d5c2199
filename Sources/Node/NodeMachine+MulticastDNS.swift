internal import Identity
internal import Kademlia
internal import MulticastDNS
internal import Primitives
internal import Swarm

// Peers of the local network.
extension NodeMachine {
    mutating func stepMulticastDNS(
        _ input: MulticastDNSMachine.Input,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !multicastDNS.isEmpty else { return }
        var said: [MulticastDNSMachine.Output] = []
        multicastDNS[0].handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .send(let bytes): outputs.append(.multicast(bytes))
            case .found(let remote, let addresses, _):
                guard !isConnected(to: remote), !otherNetworks.rests(remote, at: now) else { continue }
                dialStranger(drawRecommendedConnect(), remote, at: addresses)
            }
        }
    }
}
