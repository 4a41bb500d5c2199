/// The text forms of addresses: dotted decimal, and for IPv6 the forms of RFC 4291 §2.2 in, the one of RFC 5952 out.
extension IPAddress: LosslessStringConvertible {
    /// The longest text of an address: an IPv6 address with an IPv4 tail, `ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255`.
    public static let textByteCountMax = 45

    /// Reads an address without zone or prefix length; `nil` for everything that is not exactly one.
    public init?(_ text: String) {
        guard text.utf8.count <= Self.textByteCountMax else { return nil }
        let text = Array(text.utf8)
        guard let bytes = text.contains(UInt8(ascii: ":")) ? Self.parsedIPv6(text) : Self.parsedIPv4(text[...]) else {
            return nil
        }
        self.init(bytes)
    }

    public var description: String {
        if isIPv4 { return bytes.map(String.init).joined(separator: ".") }
        if unmapped.isIPv4 { return "::ffff:\(unmapped)" }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let run = Self.longestZeroRun(in: groups) else { return text(groups[...]) }
        return text(groups[..<run.lowerBound]) + "::" + text(groups[run.upperBound...])
    }

    /// Four decimal numbers without leading zeros, which some parsers would read as octal.
    private static func parsedIPv4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            if part.count > 1 && part.first == UInt8(ascii: "0") { return nil }
            let number = part.reduce(0) { $0 * 10 + Int($1 - 0x30) }
            guard let byte = UInt8(exactly: number) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    private static func parsedIPv6(_ text: [UInt8]) -> [UInt8]? {
        guard let gap = gap(in: text) else {
            let bytes = parsedGroups(text[...], mayEndInIPv4: true)
            return bytes?.count == 16 ? bytes : nil
        }
        guard let head = parsedGroups(text[..<gap], mayEndInIPv4: false),
            let tail = parsedGroups(text[(gap + 2)...], mayEndInIPv4: true),
            head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Where the first `::` starts; a second one leaves an empty group behind, which is refused there.
    private static func gap(in text: [UInt8]) -> Int? {
        let colon = UInt8(ascii: ":")
        return text.indices.dropLast().first { text[$0] == colon && text[$0 + 1] == colon }
    }

    /// Groups of one to four hexadecimal digits; nothing at all is no group.
    private static func parsedGroups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4 && index == parts.count - 1 && part.contains(UInt8(ascii: ".")) {
                guard let tail = parsedIPv4(part) else { return nil }
                bytes += tail
                continue
            }
            guard (1...4).contains(part.count) else { return nil }
            var group = 0
            for character in part {
                guard let digit = Character(UnicodeScalar(character)).hexDigitValue else { return nil }
                group = group * 16 + digit
            }
            bytes += [UInt8(group >> 8), UInt8(group & 0xff)]
        }
        return bytes.count <= 16 ? bytes : nil
    }

    /// The longest run of at least two zero groups, the first of equals (RFC 5952 §4.2).
    private static func longestZeroRun(in groups: [UInt16]) -> Range<Int>? {
        var (longest, start) = (0..<0, 0)
        for index in groups.indices {
            if groups[index] != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest.count >= 2 ? longest : nil
    }
}
