/// What one round of a workload found, in the units of the rows.
struct Figures {
    var values: [Row: Double] = [:]
    /// What the hardware or a library below us would allow, measured in the same round.
    var limits: [Row: Double] = [:]
}
