extension GPUModel {
    /// The columns of the catalogue's table, in order.
    static let columns = [
        "id", "name", "aliases", "vendor", "class", "arch", "cuda_cc", "memory_gb", "memory_type", "bandwidth_gbps",
        "fp32_tflops", "fp16_vector_tflops", "fp16_tensor_dense_tflops", "tdp_w", "list_price_usd", "shader_cores",
        "boost_mhz", "confidence", "source_class",
    ]

    /// No figure of a model is near this; a larger one is a slip of the keyboard.
    static let figureMax = 1_000_000

    /// Reads one row whose field count is that of `columns`.
    init(row: [CSVReader.Field]) throws(CSVError) {
        precondition(row.count == Self.columns.count)
        id = try Self.identifier(row[0], column: 0)
        name = try Self.nonempty(row[1], column: 1)
        aliases = row[2].text.split(separator: "|").map(String.init)
        vendor = try Self.choice(row[3], column: 3)
        gpuClass = try Self.choice(row[4], column: 4)
        architecture = try Self.identifier(row[5], column: 5)
        computeCapability = try Self.optional(row[6], column: 6, expected: "a version such as 8.6") {
            ComputeCapability(text: $0)
        }
        memoryGB = try Self.required(Self.count(row[7], column: 7), row[7], column: 7)
        memoryType = try Self.nonempty(row[8], column: 8)
        bandwidthGBps = try Self.count(row[9], column: 9)
        fp32TFLOPS = try Self.figure(row[10], column: 10)
        fp16VectorTFLOPS = try Self.figure(row[11], column: 11)
        fp16TensorDenseTFLOPS = try Self.figure(row[12], column: 12)
        tdpWatts = try Self.count(row[13], column: 13)
        listPriceUSD = try Self.count(row[14], column: 14)
        shaderCores = try Self.count(row[15], column: 15)
        boostMHz = try Self.count(row[16], column: 16)
        confidence = try Self.choice(row[17], column: 17)
        source = try Self.nonempty(row[18], column: 18)
    }

    private static func refusal(_ field: CSVReader.Field, column: Int, expected: String) -> CSVError {
        field.error(.value(column: columns[column], found: field.text, expected: expected))
    }

    private static func optional<Value>(
        _ field: CSVReader.Field,
        column: Int,
        expected: String,
        read: (String) -> Value?
    ) throws(CSVError) -> Value? {
        guard !field.text.isEmpty else { return nil }
        guard let value = read(field.text) else { throw refusal(field, column: column, expected: expected) }
        return value
    }

    private static func required<Value>(
        _ value: Value?,
        _ field: CSVReader.Field,
        column: Int
    ) throws(CSVError) -> Value {
        guard let value else { throw refusal(field, column: column, expected: "a value") }
        return value
    }

    private static func count(_ field: CSVReader.Field, column: Int) throws(CSVError) -> Int? {
        try optional(field, column: column, expected: "a whole number of 1 to \(figureMax)") { text in
            guard text.utf8.first != UInt8(ascii: "+"), let value = Int(text) else { return nil }
            return (1...figureMax).contains(value) ? value : nil
        }
    }

    private static func figure(_ field: CSVReader.Field, column: Int) throws(CSVError) -> Thousandths? {
        try optional(field, column: column, expected: "a decimal above 0, with at most three digits behind the point") {
            Thousandths(text: $0).flatMap { (1...figureMax * 1_000).contains($0.count) ? $0 : nil }
        }
    }

    private static func nonempty(_ field: CSVReader.Field, column: Int) throws(CSVError) -> String {
        guard !field.text.isEmpty else { throw refusal(field, column: column, expected: "a text") }
        return field.text
    }

    private static func identifier(_ field: CSVReader.Field, column: Int) throws(CSVError) -> String {
        let isIdentifier = field.text.utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
        }
        guard isIdentifier, !field.text.isEmpty else {
            throw refusal(field, column: column, expected: "lower-case letters, digits and dashes")
        }
        return field.text
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ field: CSVReader.Field,
        column: Int
    ) throws(CSVError) -> Choice {
        guard let value = Choice(rawValue: field.text) else {
            let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw refusal(field, column: column, expected: "one of \(choices)")
        }
        return value
    }
}
