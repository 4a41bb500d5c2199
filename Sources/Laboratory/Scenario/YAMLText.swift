internal import Yams

/// The first document of a YAML text.
enum YAMLText {
    static func root(of text: String, path: String) throws -> Yams.Node {
        guard text.utf8.count <= ScenarioLimits.fileByteCountMax else {
            throw ScenarioProblem(
                path: path,
                message: "the file has more than \(ScenarioLimits.fileByteCountMax >> 10) KiB"
            )
        }
        do {
            guard let root = try Yams.compose(yaml: text) else {
                throw ScenarioProblem(path: path, message: "the file is empty")
            }
            return root
        } catch let problem as ScenarioProblem {
            throw problem
        } catch let error as YamlError {
            throw problem(error, path)
        } catch {
            throw ScenarioProblem(path: path, message: "this is no YAML: \(error)")
        }
    }

    private static func problem(_ error: YamlError, _ path: String) -> ScenarioProblem {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return ScenarioProblem(
                path: path,
                line: mark.line,
                column: mark.column,
                message: "this is no YAML: \(problem)"
            )
        case .duplicatedKeysInMapping(let duplicates, _):
            let names = duplicates.map { "'\($0)'" }.joined(separator: ", ")
            return ScenarioProblem(path: path, message: "a mapping has two values for the key \(names)")
        default: return ScenarioProblem(path: path, message: "this is no YAML: \(error)")
        }
    }
}
