/// A picture of some quantities, before it is drawn.
struct Chart {
    struct Series {
        let name: String
        /// `nil`: there is no value, the line is broken here.
        let points: [(x: Double, y: Double?)]
        /// Whether the space below the line is filled.
        var isFilled = false
    }

    enum Horizontal {
        /// Seconds of virtual time.
        case time(end: Double)
        /// A quantity with its unit.
        case value(unit: String, end: Double)
    }

    let title: String
    /// What the vertical axis counts, with its unit.
    let unit: String
    let horizontal: Horizontal
    let series: [Series]
    var bands: [Band] = []
    /// The vertical axis ends here; `nil`: above the largest value.
    var top: Double?
    /// Whether each step of the vertical axis is ten times the one below; for values that differ by orders of magnitude.
    var isLogarithmic = false
    /// Whether only whole numbers make sense.
    var isWhole = false
    /// One sentence that says how to read it.
    var caption = ""
}

/// Something that happened during a run: a stretch of time, or an instant.
struct Band {
    /// `nil`: the build-up.
    let number: Int?
    let start: Double
    let end: Double
    let words: String
}
