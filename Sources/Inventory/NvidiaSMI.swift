/// The driver's command-line program, asked once in a form that is made for machines.
struct NvidiaSMI {
    static let fields = [
        "index", "uuid", "name", "memory.total", "driver_version", "compute_cap", "pci.bus_id", "power.limit",
    ]
    /// Sixty-four lines of eight fields with room to spare.
    static let outputByteCountMax = 64 * 1_024
    /// What of a strange answer is shown.
    private static let excerptCharacterCountMax = 60

    let path: String
    let timeout: Duration

    func devices() throws(DriverFailure) -> DriverReport {
        let query = "--query-gpu=" + Self.fields.joined(separator: ",")
        let program = BoundedProgram(path: path, arguments: [query, "--format=csv,noheader,nounits"])
        switch program.run(timeout: timeout, outputByteCountMax: Self.outputByteCountMax) {
        case .failed(let reason): throw DriverFailure(reason: "\(path) \(reason)")
        case .exited(let code, let output):
            guard code == 0 else { throw DriverFailure(reason: "\(path) exited with code \(code)") }
            guard let text = String(validating: output, as: UTF8.self) else {
                throw DriverFailure(reason: "\(path) printed bytes that are no text")
            }
            return try report(text)
        }
    }

    private func report(_ text: String) throws(DriverFailure) -> DriverReport {
        var report = DriverReport()
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.allSatisfy(\.isWhitespace) }
        let countMax = GPUInventory.deviceCountMax
        for line in lines.prefix(countMax) {
            if let device = Self.device(line) {
                report.devices.append(device)
            } else {
                report.problems.append("\(path) printed a line that makes no sense: \(Self.excerpt(line))")
            }
        }
        if lines.count > countMax {
            report.problems.append("\(path) printed \(lines.count) lines; only \(countMax) are read")
        }
        guard !report.devices.isEmpty || lines.isEmpty else {
            throw DriverFailure(reason: "\(path) printed something else: \(Self.excerpt(lines[0]))")
        }
        return report
    }

    /// One line of eight fields between commas; a card that does not know one writes it in brackets.
    static func device(_ line: Substring) -> DriverReport.Device? {
        let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
        guard fields.count == Self.fields.count, let index = Int(fields[0]), (0..<1_024).contains(index) else {
            return nil
        }
        guard let memory = Int(fields[3]), (1...100_000_000).contains(memory) else { return nil }
        guard let uuid = stated(fields[1]), let name = stated(fields[2]), let driver = stated(fields[4]) else {
            return nil
        }
        return DriverReport.Device(
            index: index,
            uuid: uuid,
            name: name,
            memoryMiB: memory,
            driver: driver,
            computeCapability: stated(fields[5]),
            pciBus: stated(fields[6]) ?? "",
            powerLimitWatts: stated(fields[7]).flatMap { $0.split(separator: ".").first.flatMap { Int($0) } }
        )
    }

    private static func stated(_ field: String) -> String? {
        field.isEmpty || field.hasPrefix("[") || field == "N/A" ? nil : field
    }

    private static func trimmed(_ field: Substring) -> String {
        String(field.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func excerpt(_ line: Substring) -> String {
        "'\(line.prefix(excerptCharacterCountMax))'"
    }
}
