internal import Simulator

/// What is well written, and could not happen.
extension ScenarioReader {
    /// Notes every word that a run would pass over, once all of them could be read: with half of a file sense cannot be judged.
    func judgeSense(of scenario: Scenario, _ fields: YAMLFields) {
        guard problems.list.isEmpty else { return }
        if let place = fields.place("workload"), let words = ScenarioSense.complaint(ofChangesIn: scenario) {
            problems.add(place.problem(words))
        }
        problems.noting {
            let places = try fields.place("faults")?.list() ?? []
            for (index, place) in places.enumerated() {
                guard let words = ScenarioSense.complaint(ofFault: index, in: scenario) else { continue }
                problems.add(place.problem(words))
            }
        }
        problems.noting {
            let mappings = fields.place("adversaries")?.oneOrMany ?? []
            let keys = try mappings.flatMap { try $0.pairs("{silent: 40%}").map(\.key) }
            for (index, key) in keys.enumerated() {
                guard let words = ScenarioSense.complaint(ofAdversary: index, in: scenario) else { continue }
                problems.add(key.problem("'\(key.name)': \(words)"))
            }
        }
    }
}
