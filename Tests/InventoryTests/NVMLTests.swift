import Inventory
import Market
import Testing

@Suite(.enabled(if: FakeDriver.hasCompiler, FakeDriver.compilerMissing)) struct `Inventory by NVML` {
    let driver: FakeDriver

    init() throws {
        driver = try FakeDriver()
    }

    func report(_ definitions: [String] = []) throws -> InventoryReport {
        try GPUInventory(libraryPath: driver.library(definitions), programPath: driver.missingPath).detect()
    }

    @Test func `every card is described and matched with the catalogue`() throws {
        let report = try report()

        #expect(report.source == .nvml)
        #expect(report.problems.isEmpty)
        #expect(report.hint == nil)
        try #require(report.gpus.count == 2)
        let first = report.gpus[0]
        #expect(first.index == 0)
        #expect(first.uuid == "GPU-0")
        #expect(first.name == "NVIDIA GeForce RTX 4090")
        #expect(first.memoryMiB == 24_564)
        #expect(first.driver == "550.54.15")
        #expect(first.computeCapability == ComputeCapability(major: 8, minor: 9))
        #expect(first.pciBus == "00000000:01:00.0")
        #expect(first.powerLimitWatts == 450)
        #expect(first.model?.id == "rtx-4090")
        #expect(report.gpus[1].uuid == "GPU-1")
        #expect(report.gpus[1].powerLimitWatts == nil)
    }

    @Test func `the library is shut down at the end`() throws {
        _ = try report(["LOG=\"\(driver.path(of: "log"))\""])

        #expect(try driver.contents(of: "log") == "shut down")
    }

    @Test func `a card that fell off the bus is a problem, the others are listed`() throws {
        let report = try report(["LOST=0"])

        #expect(report.gpus.map(\.index) == [1])
        #expect(report.problems.count == 1)
        #expect(report.problems[0].hasPrefix("GPU 0 does not answer: "))
        #expect(report.problems[0].hasSuffix("failed with code 15 (the GPU has fallen off the bus)"))
    }

    @Test(arguments: ["65", "4294967295u"]) func `an absurd count is cut and said`(count: String) throws {
        let report = try report(["COUNT=\(count)"])

        #expect(report.gpus.count == GPUInventory.deviceCountMax)
        #expect(report.problems == ["the driver counts \(count.filter(\.isNumber)) GPUs; only 64 are asked"])
    }

    @Test func `a library without optional functions still lists the cards`() throws {
        let report = try report(["BARE"])

        #expect(report.gpus.count == 2)
        #expect(report.gpus[0].computeCapability == nil)
        #expect(report.gpus[0].pciBus.isEmpty)
        #expect(report.gpus[0].powerLimitWatts == nil)
    }

    @Test func `a library without a needed function lists no card and says which`() throws {
        let report = try report(["NOUUID"])

        #expect(report.gpus.isEmpty)
        #expect(report.problems.count == 2)
        #expect(report.problems[0].hasSuffix("nvmlDeviceGetUUID is missing"))
    }

    @Test func `a driver that does not start leads to nvidia-smi, then to a hint`() throws {
        let report = try report(["INIT=9"])

        guard case .none(let reason) = report.source else {
            Issue.record("found \(report.source)")
            return
        }
        #expect(reason.contains("nvmlInit_v2 failed with code 9 (the driver is not loaded)"))
        #expect(reason.contains("missing is not installed"))
        #expect(report.hint?.contains("rialto offer publish --gpu rtx-4090:2") == true)
    }

    @Test func `no card at all is an answer with a hint`() throws {
        let report = try report(["COUNT=0"])

        #expect(report.source == .nvml)
        #expect(report.gpus.isEmpty)
        #expect(report.hint?.contains("rialto offer publish") == true)
    }

    @Test func `a card outside the catalogue is listed and explained`() throws {
        let report = try report(["NAME=\"NVIDIA Something 9999\""])

        #expect(report.gpus[0].model == nil)
        #expect(
            report.hint
                == "the catalogue has no 'NVIDIA Something 9999' with 24564 MiB: it is offered in the class 'other'"
        )
    }

    @Test func `another library is not mistaken for NVML`() {
        let report = GPUInventory(libraryPath: "libc.so.6", programPath: driver.missingPath).detect()

        guard case .none(let reason) = report.source else {
            Issue.record("found \(report.source)")
            return
        }
        #expect(reason.hasPrefix("libc.so.6: nvmlInit_v2 is missing"))
    }
}
