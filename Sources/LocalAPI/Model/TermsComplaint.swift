internal import Market

extension LeaseTerms {
    /// What is too long or too many in them, in a sentence that names the limit; `nil` if nothing is.
    var complaint: String? {
        guard !isWithinBounds else { return nil }
        guard image.utf8.count <= Bounds.imageByteCountMax else {
            return "the image's name has \(image.utf8.count) bytes; it may have \(Bounds.imageByteCountMax)"
        }
        let counts = [
            ("command has", "words", command.count, Bounds.commandCountMax),
            ("environment has", "variables", environment.count, Bounds.environmentCountMax),
            ("lease asks for", "ports", ports.count, Bounds.portCountMax),
            ("lease names", "SSH keys", accessKeys.count, Bounds.keyCountMax),
        ]
        for (owner, things, count, most) in counts where count > most {
            return "the \(owner) \(count) \(things); \(most) are allowed"
        }
        if let port = ports.first(where: { !(1...65_535).contains($0) }) { return "\(port) is no port: 1 to 65535" }
        if let text = (command + environment + accessKeys).first(where: { $0.utf8.count > Bounds.textByteCountMax }) {
            return
                "'\(text.prefix(16))…' has \(text.utf8.count) bytes; a word, variable or key may have \(Bounds.textByteCountMax)"
        }
        return image.unicodeScalars.contains { $0.properties.generalCategory == .control }
            ? "the image's name has characters that do not print"
            : "what is to be run is longer than \(Bounds.byteCountMax / 1_024) KiB in all"
    }
}
