internal import ArgumentParser
internal import Inventory
internal import LocalAPI
internal import Market

/// The command `rialto gpu`.
struct GPU: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the GPUs of this machine, matched with the catalogue.",
        discussion: "Needs no running node. Example: rialto gpu --json"
    )

    @OptionGroup var options: GlobalOptions

    func run() throws {
        let report = GPUInventory().detect()
        for problem in report.problems { Terminal.complain("warning: \(problem)") }
        if options.json {
            for gpu in report.gpus { print(JSONFormat.text(Row(gpu))) }
        } else if !report.gpus.isEmpty {
            var table = Table("INDEX", "CATALOGUE", "NAME", "MEMORY", "DRIVER", "POWER LIMIT")
            for gpu in report.gpus {
                let watts = gpu.powerLimitWatts.map { "\($0) W" } ?? "-"
                table.add("\(gpu.index)", gpu.model?.id ?? "-", gpu.name, "\(gpu.memoryMiB) MiB", gpu.driver, watts)
            }
            table.print()
        } else if case .none(let reason) = report.source {
            print("no GPU found: \(reason)")
        }
        if let hint = report.hint { Terminal.complain(hint) }
    }

    private struct Row: Encodable {
        let index: Int
        let gpu: String?
        let name: String
        let memoryMib: Int
        let driver: String
        let powerLimitWatts: Int?

        init(_ gpu: InstalledGPU) {
            (index, self.gpu, name) = (gpu.index, gpu.model?.id, gpu.name)
            (memoryMib, driver, powerLimitWatts) = (gpu.memoryMiB, gpu.driver, gpu.powerLimitWatts)
        }
    }
}
