import Market
import Testing

@Suite struct `Catalogue of GPU models` {
    let catalogue = Catalogue.standard

    @Test func `the release knows 68 models`() {
        #expect(catalogue.models.count == 68)
    }

    @Test func `a model carries every figure of its row`() throws {
        let model = try #require(catalogue["rtx-4090"])

        #expect(model.name == "GeForce RTX 4090")
        #expect(model.aliases == ["RTX_4090", "geforcertx4090-pcie-24gb"])
        #expect(model.vendor == .nvidia)
        #expect(model.gpuClass == .consumer)
        #expect(model.architecture == "ada")
        #expect(model.computeCapability == ComputeCapability(major: 8, minor: 9))
        #expect(model.memoryGB == 24)
        #expect(model.memoryType == "GDDR6X")
        #expect(model.bandwidthGBps == 1_008)
        #expect(model.fp32TFLOPS == Thousandths(count: 82_580))
        #expect(model.fp16VectorTFLOPS == Thousandths(count: 82_580))
        #expect(model.fp16TensorDenseTFLOPS == Thousandths(count: 165_200))
        #expect(model.tdpWatts == 450)
        #expect(model.listPriceUSD == 1_600)
        #expect(model.shaderCores == 16_384)
        #expect(model.boostMHz == 2_520)
        #expect(model.confidence == .high)
        #expect(model.source.contains("vendor spec"))
        #expect(catalogue["b300-sxm"]?.bandwidthGBps == nil)
        #expect(catalogue["mi300x"]?.computeCapability == nil)
    }

    @Test func `every row is plausible`() {
        for model in catalogue.models {
            #expect((8...512).contains(model.memoryGB), "\(model.id)")
            #expect(model.gpuClass != .other, "\(model.id)")
            if let bandwidth = model.bandwidthGBps { #expect((200...10_000).contains(bandwidth), "\(model.id)") }
            if let watts = model.tdpWatts { #expect((50...1_500).contains(watts), "\(model.id)") }
            if let fp32 = model.fp32TFLOPS { #expect((5_000...300_000).contains(fp32.count), "\(model.id)") }
            if let tensor = model.fp16TensorDenseTFLOPS, let fp32 = model.fp32TFLOPS {
                #expect(tensor >= fp32, "\(model.id)")
            }
            #expect(
                (model.vendor == .nvidia) == (model.computeCapability != nil) || model.id == "b300-sxm",
                "\(model.id)"
            )
            #expect(model.id.hasPrefix("-") == false && model.id.hasSuffix("-") == false)
        }
    }

    /// Two operations per core and cycle; AMD counts dual issue from RDNA 3 on, its accelerators a matrix path.
    @Test func `single precision of NVIDIA cards is two operations per core and cycle`() throws {
        for model in catalogue.models where model.vendor == .nvidia {
            guard let cores = model.shaderCores, let clock = model.boostMHz, let fp32 = model.fp32TFLOPS else {
                continue
            }
            let expected = 2 * cores * clock / 1_000
            #expect(
                abs(fp32.count - expected) * 50 <= expected,
                "\(model.id): \(fp32) but \(expected) from cores and clock"
            )
        }
    }

    @Test func `ids are unique and found in any spelling`() {
        #expect(Set(catalogue.models.map(\.id)).count == catalogue.models.count)
        for model in catalogue.models {
            for text in [model.id, model.id.uppercased(), model.name] + model.aliases {
                #expect(catalogue.models(named: text).contains(model), "\(text)")
            }
        }
    }

    @Test func `a shared alias and a family name mean all variants`() {
        #expect(catalogue.models(named: "A100_SXM4").map(\.id) == ["a100-sxm4-40gb", "a100-sxm4-80gb"])
        #expect(
            catalogue.models(named: "a100").map(\.id)
                == ["a100-pcie-40gb", "a100-sxm4-40gb", "a100-pcie-80gb", "a100-sxm4-80gb"]
        )
        #expect(catalogue.models(named: "rtx 4090").map(\.id) == ["rtx-4090"])
        #expect(catalogue.models(named: "").isEmpty)
        #expect(catalogue.models(named: String(repeating: "a", count: 1_000)).isEmpty)
    }

    /// Names and sizes as nvidia-smi and rocm-smi print them.
    @Test(arguments: [
        ("NVIDIA GeForce RTX 4090", 24_564, "rtx-4090"),
        ("NVIDIA GeForce RTX 4090 D", 24_564, "rtx-4090-d"),
        ("NVIDIA GeForce RTX 3060", 12_288, "rtx-3060-12gb"),
        ("NVIDIA GeForce RTX 4060 Ti", 16_380, "rtx-4060-ti-16gb"),
        ("NVIDIA GeForce RTX 5090", 32_607, "rtx-5090"),
        ("NVIDIA A100-SXM4-80GB", 81_920, "a100-sxm4-80gb"),
        ("NVIDIA A100-SXM4-40GB", 40_960, "a100-sxm4-40gb"),
        ("NVIDIA A100-PCIE-40GB", 40_960, "a100-pcie-40gb"),
        ("NVIDIA A100 80GB PCIe", 81_920, "a100-pcie-80gb"),
        ("NVIDIA H100 80GB HBM3", 81_559, "h100-sxm5-80gb"),
        ("NVIDIA H100 PCIe", 81_559, "h100-pcie-80gb"),
        ("NVIDIA H100 NVL", 95_830, "h100-nvl-94gb"),
        ("NVIDIA H200", 143_771, "h200-sxm"),
        ("NVIDIA H200 NVL", 143_771, "h200-nvl"),
        ("NVIDIA GH200 480GB", 97_871, "gh200-96gb"),
        ("NVIDIA B200", 183_359, "b200-sxm"),
        ("NVIDIA L40S", 46_068, "l40s"),
        ("Tesla T4", 15_360, "t4"),
        ("Tesla V100-SXM2-32GB", 32_768, "v100-sxm2-32gb"),
        ("NVIDIA RTX A6000", 49_140, "rtx-a6000"),
        ("NVIDIA RTX 6000 Ada Generation", 49_140, "rtx-6000-ada"),
        ("AMD Instinct MI300X", 196_592, "mi300x"),
    ]) func `a driver's name and size select the variant`(name: String, memoryMiB: Int, id: String) {
        #expect(catalogue.model(driverName: name, memoryMiB: memoryMiB)?.id == id)
    }

    @Test(arguments: [
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 16_376), ("NVIDIA GeForce RTX 4060 Ti", 8_188),
        ("NVIDIA H100 80GB HBM3", 40_000),
        ("NVIDIA GeForce RTX 4090", Int.max), ("NVIDIA GeForce RTX 4090", Int.min), ("", 24_564), ("NVIDIA", 24_564),
    ]) func `what the catalogue does not list is no model`(name: String, memoryMiB: Int) {
        #expect(catalogue.model(driverName: name, memoryMiB: memoryMiB) == nil)
        #expect(catalogue.gpuClass(ofID: name) == .other)
    }

    @Test func `a name without a size is a model only where one variant exists`() {
        #expect(catalogue.model(driverName: "NVIDIA L40S", memoryMiB: nil)?.id == "l40s")
        #expect(catalogue.model(driverName: "NVIDIA A100-SXM4", memoryMiB: nil) == nil)
    }

    @Test(arguments: [
        ("rtx-409", "rtx-4090"), ("rtx4090", "rtx-4090"), ("rtx-4900", "rtx-4090"), ("mi300", "mi300x"), ("l4s", "l4"),
    ]) func `a typing error leads to the nearest id`(typed: String, id: String) {
        #expect(catalogue.nearestID(to: typed) == id)
    }

    @Test func `nonsense leads nowhere`() {
        #expect(catalogue.nearestID(to: "quantum-accelerator") == nil)
        #expect(catalogue.nearestID(to: "") == nil)
    }
}
