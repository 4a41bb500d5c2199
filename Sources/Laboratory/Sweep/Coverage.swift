public import Simulator

/// What must happen sometimes, over the seeds of one scenario.
public enum Coverage {
    /// Expectations of a scenario that none of these runs saw, by the word of the file.
    public static func unseen(of scenario: Scenario, in lines: [ResultLine]) -> [String] {
        scenario.expectations.compactMap { expectation in
            guard case .sometimes(let occurrence) = expectation else { return nil }
            let metric =
                "occurred_" + occurrence.rawValue.map { $0 == "-" ? "_" : $0 }.map(String.init).joined() + "_total"
            let count = lines.reduce(0) { $0 + (($1.metrics[metric] ?? nil) ?? 0) }
            return count > 0 ? nil : occurrence.rawValue
        }
    }
}
