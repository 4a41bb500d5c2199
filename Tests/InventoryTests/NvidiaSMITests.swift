import Inventory
import Market
import Testing

@Suite struct `Inventory by nvidia-smi` {
    static let line = "0, GPU-7, NVIDIA H100 80GB HBM3, 81559, 550.54.15, 9.0, 00000000:1B:00.0, 700.00"

    let driver: FakeDriver

    init() throws {
        driver = try FakeDriver()
    }

    func report(_ script: String, timeout: Duration = .seconds(10)) throws -> InventoryReport {
        try GPUInventory(
            libraryPath: driver.missingPath,
            programPath: driver.program(script),
            programTimeout: timeout
        ).detect()
    }

    func reason(_ script: String, timeout: Duration = .seconds(10)) throws -> String {
        guard case .none(let reason) = try report(script, timeout: timeout).source else { return "" }
        return reason
    }

    @Test func `a line becomes a card`() throws {
        let report = try report("echo '\(Self.line)'")

        #expect(report.source == .nvidiaSMI)
        let gpu = try #require(report.gpus.first)
        #expect(gpu.index == 0)
        #expect(gpu.uuid == "GPU-7")
        #expect(gpu.memoryMiB == 81_559)
        #expect(gpu.driver == "550.54.15")
        #expect(gpu.computeCapability == ComputeCapability(major: 9, minor: 0))
        #expect(gpu.pciBus == "00000000:1B:00.0")
        #expect(gpu.powerLimitWatts == 700)
        #expect(gpu.model?.id == "h100-sxm5-80gb")
    }

    @Test func `the program is asked in its form for machines`() throws {
        let report = try report("echo \"0, $1, $2, 100, driver, [N/A], [Not Supported], [N/A]\"")

        #expect(report.gpus.isEmpty)
        #expect(
            report.source
                == .none(
                    reason:
                        "\(driver.missingPath) cannot be opened; \(driver.path(of: "nvidia-smi")) printed something else: '0, --query-gpu=index,uuid,name,memory.total,driver_version,c'"
                )
        )
    }

    @Test func `what a card does not support is left out`() throws {
        let gpu = try #require(
            try report("echo '3, GPU-1, Tesla T4, 15360, 470.1, [N/A], [N/A], [Not Supported]'").gpus.first
        )

        #expect(gpu.index == 3)
        #expect(gpu.model?.id == "t4")
        #expect(gpu.computeCapability == nil)
        #expect(gpu.pciBus.isEmpty)
        #expect(gpu.powerLimitWatts == nil)
    }

    @Test func `a line that makes no sense is a problem beside those that do`() throws {
        let report = try report("echo 'WARNING: infoROM is corrupted'; echo '\(Self.line)'")

        #expect(report.gpus.count == 1)
        #expect(report.problems.count == 1)
        #expect(report.problems[0].hasSuffix("printed a line that makes no sense: 'WARNING: infoROM is corrupted'"))
    }

    @Test(arguments: [
        ("echo 'No devices were found'", "printed something else: 'No devices were found'"),
        ("echo '0, GPU-1, Name, -5, 1, 8.9, x, 1'", "printed something else: '0, GPU-1, Name, -5, 1, 8.9, x, 1'"),
        ("echo 'x, GPU-1, Name, 100, 1, 8.9, x, 1'", "printed something else: 'x, GPU-1, Name, 100, 1, 8.9, x, 1'"),
        ("printf '\\377\\376'", "printed bytes that are no text"),
        ("exit 9", "exited with code 9"),
        ("kill -TERM $$", "exited with code 143"),
        (
            "while :; do echo 0123456789012345678901234567890123456789012345678901234567890123456789; done",
            "wrote more than 65536 bytes"
        ),
    ]) func `an answer that is none is a reason`(script: String, reason: String) throws {
        let found = try self.reason(script)

        #expect(found.hasSuffix(reason), "\(found)")
    }

    @Test func `an empty answer is a machine without cards`() throws {
        let report = try report("exit 0")

        #expect(report.source == .nvidiaSMI)
        #expect(report.gpus.isEmpty)
        #expect(report.hint?.contains("rialto offer publish") == true)
    }

    @Test func `more lines than a machine has cards are cut and said`() throws {
        let report = try report("for i in $(seq 70); do echo '\(Self.line)'; done")

        #expect(report.gpus.count == GPUInventory.deviceCountMax)
        #expect(report.problems.first?.hasSuffix("printed 70 lines; only 64 are read") == true)
    }

    /// The second script closes its output and then hangs; the first leaves a child that holds the pipe.
    @Test(arguments: ["sleep 600", "exec >&-; sleep 600"])
    func `a program that hangs is ended at its timeout with what it started`(script: String) throws {
        let clock = ContinuousClock()
        var reason = ""

        let elapsed = try clock.measure { reason = try self.reason(script, timeout: .milliseconds(200)) }

        #expect(reason.hasSuffix("did not answer in time"))
        #expect(elapsed < .seconds(60))
    }

    @Test func `a missing program is a reason`() {
        let report = GPUInventory(libraryPath: driver.missingPath, programPath: driver.missingPath).detect()

        #expect(
            report.source
                == .none(reason: "\(driver.missingPath) cannot be opened; \(driver.missingPath) is not installed")
        )
    }
}
