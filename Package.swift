// swift-tools-version: 6.3
import PackageDescription

/// The language rules of every target: the module graph stays honest, unsafe code stays visible, warnings stop the build.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

let collections = Target.Dependency.product(name: "OrderedCollections", package: "swift-collections")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let flyingFox = Target.Dependency.product(name: "FlyingFox", package: "FlyingFox")
let flyingSocks = Target.Dependency.product(name: "FlyingSocks", package: "FlyingFox")
let swiftProtobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")

func library(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource]? = nil) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "rialto",
    products: [
        .executable(name: "rialto", targets: ["rialto"]),
        .executable(name: "libp2pd", targets: ["libp2pd"]),
        .executable(name: "rialto-bench", targets: ["rialto-bench"]),
        .library(
            name: "RialtoLibp2p",
            targets: ["Identity", "Multistream", "Noise", "Yamux", "Identify", "Ping", "Gossipsub", "Swarm"]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
    ],
    targets: [
        .systemLibrary(name: "CSodium", pkgConfig: "libsodium", providers: [.apt(["libsodium-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),

        library("Primitives", []),
        library("Cryptography", ["CSodium", "Primitives"]),
        library("Identity", ["Cryptography", "Primitives"]),
        library("Multistream", ["Primitives"]),
        library("Noise", ["Cryptography", "Identity", "Primitives"]),
        library("Yamux", ["Primitives", collections, deque]),
        library("Ping", ["Primitives"]),
        library("Identify", ["Identity", "Primitives"]),
        library("Gossipsub", ["Cryptography", "Identity", "Primitives", collections, deque]),
        library(
            "Swarm",
            [
                "Cryptography", "Identify", "Identity", "Multistream", "Noise", "Ping", "Primitives", "Yamux",
                collections, deque,
            ]
        ),
        library(
            "Market",
            ["Cryptography", "Identity", "Primitives", "Reconciliation", collections, deque],
            resources: [.embedInCode("Resources")]
        ),
        library(
            "Node",
            [
                "Compression", "Cryptography", "Gossipsub", "Identify", "Identity", "Kademlia", "Market",
                "MulticastDNS",
                "Primitives", "Reconciliation", "Swarm", collections, deque,
            ]
        ),
        library("Kademlia", ["Cryptography", "Identity", "Primitives", "Swarm", collections, deque]),
        library("MulticastDNS", ["Identity", "Primitives", collections]),
        library("Compression", ["CLZ4"]),
        library("Reconciliation", ["Cryptography", "Primitives", collections]),
        library(
            "Simulator",
            [
                "Cryptography", "Gossipsub", "Identity", "Kademlia", "Market", "Node", "Primitives", "Swarm",
                collections, deque, heap,
            ]
        ),
        library("Laboratory", ["Cryptography", "Market", "Node", "Primitives", "Simulator", yams]),
        library("Sockets", ["CUV", "Primitives", "Swarm", deque]),
        library(
            "EventLoop",
            ["Cryptography", "Identity", "Market", "MulticastDNS", "Node", "Primitives", "Sockets", "Swarm", deque]
        ),
        library("Storage", ["Cryptography", "Identity", "Market", "Node", "Primitives", grdb]),
        library("Inventory", ["Market", "Primitives"]),
        library(
            "LocalAPI",
            ["Cryptography", "Identity", "Kademlia", "Market", "Node", "Primitives", "Swarm", flyingFox, flyingSocks],
            resources: [.embedInCode("Resources")]
        ),
        .executableTarget(
            name: "rialto",
            dependencies: [
                "Cryptography", "EventLoop", "Identity", "Inventory", "Kademlia", "Laboratory", "LocalAPI", "Market",
                "Node", "Primitives", "Simulator", "Storage", "Swarm", argumentParser, deque, yams,
            ],
            swiftSettings: strict
        ),
        library(
            "DaemonControl",
            [
                "Cryptography", "Gossipsub", "Identity", "Kademlia", "Primitives", "Sockets", "Swarm", "Yamux",
                collections,
                deque,
            ]
        ),
        .executableTarget(
            name: "libp2pd",
            dependencies: ["Cryptography", "DaemonControl", "Identity", "Primitives"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "rialto-bench",
            dependencies: [
                "Cryptography", "DaemonControl", "EventLoop", "Gossipsub", "Identity", "Laboratory", "LocalAPI",
                "Market", "Node", "Noise", "Primitives", "Reconciliation", "Storage", "Swarm", "Yamux", "libp2pd",
                "rialto", argumentParser,
            ],
            swiftSettings: strict
        ),

        .target(
            name: "TestSupport",
            dependencies: ["Cryptography", "Identity", "Market", "Node", "Primitives", "Swarm", heap, collections],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        tests("PrimitivesTests", ["Primitives"]),
        tests("CryptographyTests", ["Cryptography", "Primitives"], resources: [.copy("Vectors")]),
        tests("IdentityTests", ["Cryptography", "Identity", "Primitives"]),
        tests("MultistreamTests", ["Multistream", "Primitives"]),
        tests(
            "NoiseTests",
            ["Cryptography", "Identity", "Noise", "Primitives"],
            resources: [.copy("Vectors")]
        ),
        tests("YamuxTests", ["Primitives", "Yamux"]),
        tests("PingTests", ["Ping", "Primitives"]),
        tests("IdentifyTests", ["Cryptography", "Identify", "Identity", "Primitives"]),
        tests("GossipsubTests", ["Cryptography", "Gossipsub", "Identity", "Primitives"]),
        tests(
            "SwarmTests",
            ["Cryptography", "Identify", "Identity", "Multistream", "Noise", "Primitives", "Swarm", "Yamux"]
        ),
        tests("MarketTests", ["Cryptography", "Identity", "Market", "Primitives", collections, swiftProtobuf]),
        tests(
            "NodeTests",
            [
                "Cryptography", "Gossipsub", "Identity", "Kademlia", "Market", "Node", "Primitives", "Swarm",
                "TestSupport", collections,
            ]
        ),
        tests("SocketsTests", ["Primitives", "Sockets", "Swarm"]),
        tests(
            "EventLoopTests",
            ["Cryptography", "EventLoop", "Identity", "Market", "Node", "Primitives", "Sockets", "Swarm"]
        ),
        .executableTarget(
            name: "StoreCrashChild",
            dependencies: ["Cryptography", "Market", "Node", "Storage", sqlite],
            path: "Tests/StoreCrashChild",
            swiftSettings: strict
        ),
        tests(
            "StorageTests",
            ["Cryptography", "Identity", "Market", "Node", "Primitives", "Storage", "StoreCrashChild", grdb]
        ),
        tests("InventoryTests", ["Inventory", "Market"]),
        tests(
            "LocalAPITests",
            ["Cryptography", "Identify", "Identity", "Kademlia", "LocalAPI", "Market", "Node", "Primitives", "Swarm"]
        ),
        tests(
            "CommandLineTests",
            ["Cryptography", "Identity", "Inventory", "LocalAPI", "Market", "Primitives", "TestSupport", "rialto"],
            resources: [.copy("Peers")]
        ),
        tests(
            "InteropTests",
            [
                "Cryptography", "DaemonControl", "EventLoop", "Gossipsub", "Identify", "Identity", "Kademlia", "Market",
                "Node", "Primitives", "Sockets", "Swarm", "TestSupport", "libp2pd",
            ],
            resources: [.copy("Peers")]
        ),
        tests(
            "DaemonControlTests",
            [
                "Cryptography", "DaemonControl", "Gossipsub", "Identity", "Kademlia", "Primitives", "Sockets", "Swarm",
                collections,
            ]
        ),
        tests("MulticastDNSTests", ["Cryptography", "Identity", "MulticastDNS", "Primitives"]),
        tests("CompressionTests", ["Compression", "Primitives"]),
        tests("ReconciliationTests", ["Cryptography", "Primitives", "Reconciliation"]),
        tests("KademliaTests", ["Cryptography", "Identity", "Kademlia", "Primitives", "Swarm"]),
        tests(
            "SimulatorTests",
            [
                "Cryptography", "Gossipsub", "Identity", "Kademlia", "Market", "Node", "Primitives", "Simulator",
                "Swarm", "TestSupport",
            ]
        ),
        tests("LaboratoryTests", ["Laboratory", "Node", "Primitives", "Simulator"]),
        tests("SimulationTests", ["Laboratory", "Node", "Primitives", "Simulator"]),
        tests(
            "SiegeTests",
            [
                "Cryptography", "Gossipsub", "Identity", "Market", "Multistream", "Node", "Noise", "Primitives",
                "Swarm", "TestSupport", heap,
            ]
        ),
        tests("BenchTests", ["rialto-bench", "rialto"]),
        tests("TidyTests", []),
    ],
    swiftLanguageModes: [.v6]
)

// Every decoder and every machine that reads a stranger's bytes, fed by libFuzzer for as long as one likes or, in every run of the
// tests, by its corpus. libFuzzer brings a main function of its own, which no other build may link: `bootstrap/fuzz` asks for it.
let fuzzed: [Target.Dependency] = [
    "Compression", "Cryptography", "DaemonControl", "Gossipsub", "Identify", "Identity", "Kademlia", "Market",
    "MulticastDNS", "Multistream", "Node", "Noise", "Primitives", "Reconciliation", "Swarm", "Yamux", collections,
]
if Context.environment["RIALTO_FUZZ_BUILD"] != nil {
    package.targets.append(
        .executableTarget(
            name: "rialto-fuzz",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["Corpus", "CorpusTests.swift", "CurrentInput.swift", "Mutations.swift"],
            swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]
        )
    )
} else {
    package.targets.append(
        .testTarget(
            name: "FuzzTests",
            dependencies: fuzzed,
            path: "Tests/Fuzz",
            exclude: ["Corpus", "FuzzEntry.swift"],
            swiftSettings: strict
        )
    )
}
