import Foundation
import Market
import Testing

@testable import Inventory

@Suite struct `Host facts` {
    let driver: FakeDriver

    init() throws {
        driver = try FakeDriver()
    }

    func file(_ name: String, _ text: String) throws -> String {
        let path = driver.folder.appending(path: name).path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return path
    }

    @Test func `the files of the system are read`() throws {
        let facts = try HostFacts.read(
            diskPath: driver.folder.path,
            processorPath: file(
                "cpuinfo",
                "processor\t: 0\nvendor_id\t: A\nmodel name\t: AMD EPYC: 7763 64-Core\n\nmodel name\t: B\n"
            ),
            memoryPath: file("meminfo", "MemTotal:       65841234 kB\nMemFree:        1 kB\n"),
            releasePath: file("os-release", "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n")
        )

        #expect(facts.cpuModel == "AMD EPYC: 7763 64-Core")
        #expect(facts.memoryMiB == 64_298)
        #expect(facts.memoryGiB == 62)
        #expect(facts.operatingSystem == "Debian GNU/Linux 12 (bookworm)")
        #expect(facts.coreCount >= 1)
        #expect(["x86_64", "aarch64"].contains(facts.architecture))
    }

    @Test func `what the system does not tell stays empty`() throws {
        let missing = driver.missingPath

        let facts = HostFacts.read(diskPath: missing, processorPath: missing, memoryPath: missing, releasePath: missing)

        #expect(facts.cpuModel.isEmpty)
        #expect(facts.memoryMiB == 0)
        #expect(facts.diskFreeGiB == 0)
        #expect(facts.operatingSystem.isEmpty)
    }

    @Test func `nonsense is not a number`() throws {
        let memory = try file("meminfo", "MemTotal: -5 kB\n")
        let other = try file("other", "MemTotal: lots\n")

        for path in [memory, other] {
            #expect(
                HostFacts.read(diskPath: "/", processorPath: path, memoryPath: path, releasePath: path).memoryMiB == 0
            )
        }
    }

    @Test func `this machine has processors, memory and an architecture`() {
        let facts = HostFacts.read(diskPath: "/")

        #expect(facts.coreCount >= 1)
        #expect(facts.memoryMiB > 0)
        #expect(!facts.architecture.isEmpty)
    }

    @Test func `a claim stays within a record's bounds`() {
        var facts = HostFacts()
        facts.cpuModel = String(repeating: "é", count: 100) + "\n"
        facts.coreCount = .max
        facts.memoryMiB = .max
        facts.diskFreeGiB = .min
        facts.operatingSystem = "a\u{0}b"

        let claim = facts.claim

        #expect(claim.cpuModel == String(repeating: "é", count: 48))
        #expect(claim.coreCount == MachineBody.Bounds.coreCountMax)
        #expect(claim.memoryMebibytes == MachineBody.Bounds.hostMemoryMebibytesMax)
        #expect(claim.diskGibibytes == 0)
        #expect(claim.operatingSystem == "ab")
    }
}
