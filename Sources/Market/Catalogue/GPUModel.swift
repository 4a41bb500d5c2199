/// One GPU model with the figures that its vendor, or the named source, claims.
///
/// Nothing here is measured. A figure that no source states is `nil`, never zero.
public struct GPUModel: Hashable, Sendable, Identifiable {
    /// The catalogue id that offers and queries name, such as `rtx-4090`: lower-case letters, digits and dashes.
    public let id: String
    /// The vendor's name without the vendor, such as `GeForce RTX 4090`.
    public let name: String
    /// Other names in use, some shared by several variants that differ in memory.
    public let aliases: [String]
    public let vendor: GPUVendor
    public let gpuClass: GPUClass
    /// The vendor's name of the generation in lower case, such as `ada`.
    public let architecture: String
    public let computeCapability: ComputeCapability?
    /// Nominal memory in the vendor's gigabytes; a driver may report up to a tenth less.
    public let memoryGB: Int
    public let memoryType: String
    /// Memory bandwidth, 10^9 bytes per second.
    public let bandwidthGBps: Int?
    /// Single precision on the shader cores, 10^12 operations per second.
    public let fp32TFLOPS: Thousandths?
    /// Half precision on the shader cores, 10^12 operations per second.
    public let fp16VectorTFLOPS: Thousandths?
    /// Half precision on the tensor or matrix units without sparsity, 10^12 operations per second.
    public let fp16TensorDenseTFLOPS: Thousandths?
    /// Board power.
    public let tdpWatts: Int?
    public let listPriceUSD: Int?
    public let shaderCores: Int?
    public let boostMHz: Int?
    public let confidence: CatalogueConfidence
    /// Where the figures come from, in words.
    public let source: String

    /// The half precision that a search ranks by: the dense tensor figure, else the vector figure.
    public var fp16TFLOPS: FP16Figure? {
        if let fp16TensorDenseTFLOPS { return FP16Figure(teraflops: fp16TensorDenseTFLOPS, isTensor: true) }
        return fp16VectorTFLOPS.map { FP16Figure(teraflops: $0, isTensor: false) }
    }
}

/// A half-precision rate and which units of the GPU reach it.
public struct FP16Figure: Hashable, Sendable {
    public let teraflops: Thousandths
    public let isTensor: Bool
}
