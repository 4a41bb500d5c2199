extension BinaryInteger {
    /// The number and its noun, for people: `1 offer`, `2 offers`.
    ///
    /// The plural has an `s` unless another is given.
    public func counted(_ noun: String, _ plural: String? = nil) -> String {
        self == 1 ? "1 \(noun)" : "\(self) \(plural ?? noun + "s")"
    }
}
