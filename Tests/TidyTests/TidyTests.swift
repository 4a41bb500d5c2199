import Foundation
import Testing

/// The rules of the house that a machine can check: what the pure modules must never contain, and how long things may get.
@Suite struct `The tree is tidy` {
    static let pureModules = [
        "Primitives", "Cryptography", "Identity", "Multistream", "Noise", "Yamux", "Ping", "Identify", "Gossipsub",
        "Swarm", "Kademlia", "MulticastDNS", "Compression", "Reconciliation", "Market", "Node", "Simulator",
    ]

    /// What would make a machine depend on more than its inputs, each with what to use in its place.
    static let banned: [(token: String, instead: String)] = [
        ("import Foundation", "the standard library, Primitives"),
        ("import Glibc", "an output that the shell carries out"),
        ("import Dispatch", "an output that the shell carries out"),
        ("import CUV", "TransportOutput"),
        ("Date()", "the `clock` input"),
        ("ContinuousClock", "the `now` argument"),
        ("SuspendingClock", "the `now` argument"),
        (".random(in:", "SeededRandom.below"),
        (".randomElement(", "SeededRandom.sample"),
        (".shuffled()", "SeededRandom.shuffle"),
        ("SystemRandomNumberGenerator", "SeededRandom"),
        ("Task {", "an output that the shell carries out"),
        ("async ", "an output that the shell carries out"),
        ("await ", "an output that the shell carries out"),
        ("actor ", "a struct that its owner feeds"),
        ("print(", "an event output"),
        ("try!", "a typed throw, or a precondition that says what only we can break"),
        ("as!", "an enum"),
    ]

    /// Work that was left for somebody else.
    static let unfinished = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "not impl" + "emented"]

    static let lineCountMax = 600
    static let functionLineCountMax = 70
    /// Written by a generator from the published schema.
    static let generated = ["rialto-record.pb.swift"]

    @Test(arguments: pureModules)
    func `a pure module has no ambient effects`(module: String) throws {
        for file in try SourceFile.all(below: "Sources/\(module)") {
            for (number, line) in file.code.enumerated() {
                for (token, instead) in Self.banned where Self.occurs(token, in: line) {
                    Issue.record("\(file.path):\(number + 1) has '\(token)': use \(instead)")
                }
            }
        }
    }

    /// Whether a token stands in a line as a word of its own: `print(`, but not `fingerprint(`.
    private static func occurs(_ token: String, in line: String) -> Bool {
        var rest = Substring(line)
        while let found = rest.range(of: token) {
            let isWord = found.lowerBound == line.startIndex || !line[line.index(before: found.lowerBound)].isLetter
            if isWord || !(token.first?.isLetter ?? false) { return true }
            rest = rest[found.upperBound...]
        }
        return false
    }

    @Test(arguments: ["Sources", "Tests"])
    func `files and functions fit the eye`(folder: String) throws {
        for file in try SourceFile.all(below: folder) where !Self.generated.contains(file.name) {
            #expect(file.code.count <= Self.lineCountMax, "\(file.path) has \(file.code.count) lines")
            for function in file.functions where function.lineCount > Self.functionLineCountMax {
                Issue.record("\(file.path):\(function.line) has a function of \(function.lineCount) lines")
            }
        }
    }

    @Test func `whatever runs has a length`() {
        let heads = [
            "func run() {", "public func run(\n    a: Int\n) {", "mutating func run() throws\n{", "init() {",
            "private init?(\n    a: Int,\n    b: Int\n) {", "init<T>(a: T) {", "deinit {",
            "public subscript(a: Int) -> Int {",
            "static subscript(\n    a: Int\n) -> Int {", "public var length: Int {", "private(set) var length = 0 {",
        ]
        for head in heads {
            let body = head + "\n    work()\n}"
            let lines = ("struct A {\n" + body.split(separator: "\n").map { "    \($0)\n" }.joined() + "}")
                .components(separatedBy: "\n")
            let found = SourceFile(path: "", name: "", lines: lines).functions
            #expect(found.map(\.line) == [2] && found.map(\.lineCount) == [lines.count - 2], "\(head)")
        }
        let others = [
            "let a = 1", "self.init(", "a.run {", "// func a", "func required()", "var a: Int { 1 }", "case a(",
        ]
        for other in others {
            let lines = ["protocol P {", "    " + other, "}", "struct A {", "    }"]
            #expect(SourceFile(path: "", name: "", lines: lines).functions.isEmpty, "\(other)")
        }
    }

    @Test func `nothing is left undone`() throws {
        for file in try SourceFile.all(below: "Sources") + SourceFile.all(below: "Tests") {
            for (number, line) in file.code.enumerated() {
                for mark in Self.unfinished where line.contains(mark) {
                    Issue.record("\(file.path):\(number + 1) is unfinished: \(mark)")
                }
            }
        }
    }

    @Test func `names say what a thing is`() throws {
        let vague = try Regex("(struct|class|enum|actor|protocol) \\w*(Manager|Helper|Utils|Utilities|Common)\\b")
        for file in try SourceFile.all(below: "Sources") {
            for (number, line) in file.code.enumerated() where line.contains(vague) {
                Issue.record("\(file.path):\(number + 1) has a name that says nothing")
            }
        }
    }

    @Test func `only one module opens each C library`() throws {
        let owners = ["import CSodium": "Cryptography", "import CLZ4": "Compression", "import CUV": "Sockets"]
        for file in try SourceFile.all(below: "Sources") {
            for (token, owner) in owners where file.code.contains(where: { $0.contains(token) }) {
                #expect(file.path.contains("Sources/\(owner)/"), "\(file.path) opens a library of \(owner)")
            }
        }
    }

    @Test func `every module explains itself`() throws {
        for module in Self.pureModules + ["EventLoop", "Storage", "LocalAPI", "Laboratory", "Inventory"] {
            let article = SourceFile.root.appending(path: "Sources/\(module)/\(module).docc/\(module).md")
            #expect(FileManager.default.fileExists(atPath: article.path), "\(module) has no article")
        }
    }
}

/// One Swift file of the tree, by lines.
private struct SourceFile {
    static let root = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
        .deletingLastPathComponent()
        .deletingLastPathComponent()

    let path: String
    let name: String
    let lines: [String]

    /// The lines without comments; their numbers are kept.
    var code: [String] {
        lines.map { line in
            guard let comment = line.range(of: "//") else { return line }
            return String(line[..<comment.lowerBound])
        }
    }

    static func all(below folder: String) throws -> [SourceFile] {
        let start = root.appending(path: folder)
        let found = FileManager.default.enumerator(at: start, includingPropertiesForKeys: nil)
        let files = try #require(found).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
        try #require(!files.isEmpty, "\(folder) has no Swift files")
        return try files.sorted { $0.path < $1.path }.map { file in
            let text = try String(contentsOf: file, encoding: .utf8)
            return SourceFile(
                path: String(file.path.dropFirst(root.path.count)),
                name: file.lastPathComponent,
                lines: text.components(separatedBy: "\n")
            )
        }
    }

    /// Whatever runs, with its first line and its length up to the closing brace of the same indentation: functions, initialisers,
    /// subscripts and computed properties.
    var functions: [(line: Int, lineCount: Int)] {
        let depths = lines.map { $0.utf8.prefix { $0 == UInt8(ascii: " ") }.count }
        return lines.indices.compactMap { start in
            let depth = depths[start]
            guard Self.beginsFunction(lines[start].dropFirst(depth)) else { return nil }
            let end = lines.indices.dropFirst(start + 1).first { index in
                // Less deep is the end of a protocol whose requirement has no body.
                let text = lines[index].utf8.dropFirst(depths[index])
                return !text.isEmpty
                    && (depths[index] < depth || depths[index] == depth && text.first == UInt8(ascii: "}"))
            }
            return end.flatMap { depths[$0] == depth ? (start + 1, $0 - start + 1) : nil }
        }
    }

    private static let modifiers: Set<Substring> = [
        "public", "package", "private", "fileprivate", "internal", "static", "class", "final", "override", "required",
        "private(set)", "convenience", "mutating", "nonmutating", "consuming", "borrowing", "nonisolated", "lazy",
    ]

    private static func beginsFunction(_ text: Substring) -> Bool {
        guard !text.hasPrefix("//"), !text.hasSuffix("}") else { return false }
        if text.contains("func ") { return true }
        let words = text.split(separator: " ").drop { modifiers.contains($0) || $0.hasPrefix("@") }
        guard let first = words.first else { return false }
        if first == "var" || first == "let" { return text.hasSuffix("{") }
        return ["init(", "init<", "init?(", "subscript(", "subscript<", "deinit"].contains { first.hasPrefix($0) }
    }
}
