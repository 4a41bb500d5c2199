/// A picture of some quantities, before it is drawn.
package struct Chart {
    package struct Series {
        package let name: String
        /// `nil`: there is no value, the line is broken here.
        package let points: [(x: Double, y: Double?)]
        /// Whether the space below the line is filled.
        package var isFilled: Bool

        package init(name: String, points: [(x: Double, y: Double?)], isFilled: Bool = false) {
            (self.name, self.points, self.isFilled) = (name, points, isFilled)
        }
    }

    package enum Horizontal {
        /// Seconds of virtual time.
        case time(end: Double)
        /// Seconds of the world's time.
        case clock(end: Double)
        /// A quantity with its unit.
        case value(unit: String, end: Double)
    }

    package let title: String
    /// What the vertical axis counts, with its unit.
    package let unit: String
    package let horizontal: Horizontal
    package let series: [Series]
    package var bands: [Band]
    /// The vertical axis ends here; `nil`: above the largest value.
    package var top: Double?
    /// Whether each step of the vertical axis is ten times the one below; for values that differ by orders of magnitude.
    package var isLogarithmic: Bool
    /// Whether only whole numbers make sense.
    package var isWhole: Bool
    /// One sentence that says how to read it.
    package var caption: String

    package init(
        title: String,
        unit: String,
        horizontal: Horizontal,
        series: [Series],
        bands: [Band] = [],
        top: Double? = nil,
        isLogarithmic: Bool = false,
        isWhole: Bool = false,
        caption: String = ""
    ) {
        (self.title, self.unit, self.horizontal) = (title, unit, horizontal)
        (self.series, self.bands) = (series, bands)
        (self.top, self.isLogarithmic, self.isWhole, self.caption) = (top, isLogarithmic, isWhole, caption)
    }
}

/// Something that happened during a run: a stretch of time, or an instant.
package struct Band {
    /// `nil`: the build-up.
    package let number: Int?
    package let start: Double
    package let end: Double
    package let words: String

    package init(number: Int?, start: Double, end: Double, words: String) {
        (self.number, self.start, self.end, self.words) = (number, start, end, words)
    }
}
