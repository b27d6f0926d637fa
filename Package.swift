// swift-tools-version: 6.2

import PackageDescription

/// Every Swift target of ours: Swift 6 mode with strict concurrency, imports internal unless said otherwise, and no
/// warning left standing.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

/// No look at run time whether two accesses to a class's property overlap, which costs a request a tenth of its time.
/// Debug builds look, and so do all tests; no library that others link is built so.
let unchecked: [SwiftSetting] = [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// How the client is linked for use, whose life is over in two milliseconds, so that little is to be done before main:
/// Swift's own linker, relocations packed (DT_RELR), nothing exported that nobody asks for, and the C++ library, which
/// Swift's runtime needs, out of an archive, where `make release` has put one in that folder. It stays position
/// independent. Not the daemon: it starts once, and was no faster for it at its work.
let lean: [LinkerSetting] = [
  .unsafeFlags(
    [
      "-use-ld=lld", "-L\(Context.packageDirectory)/.build/static", "-Xclang-linker", "-static-libgcc",
      "-Xlinker", "--no-export-dynamic", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
    ], .when(configuration: .release))
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")

let package = Package(
  name: "keyward",
  products: [
    .executable(name: "keywardd", targets: ["keywardd"]),
    .executable(name: "keyward", targets: ["keyward"]),
    .library(name: "KeywardClient", targets: ["KeywardClient"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
  ],
  targets: [
    // C libraries of the system.
    // Of libcrypto SHA-256 alone, out of its archive: the shared library costs each start 0.7 ms (decision 0001).
    .systemLibrary(name: "CCrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    // The same out of its archive, for the client, whose every start would look for the shared library else.
    .systemLibrary(name: "CNghttp2Archive", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    // Without pkg-config: it gives a flag that the package manager refuses with a warning.
    .systemLibrary(name: "CUtf8proc", providers: [.apt(["libutf8proc-dev"])]),

    // C of ours: protoc-c's output, and shims for what Swift cannot import or has no word for.
    .target(name: "CKeywardProto", dependencies: ["CProtobufC"], cSettings: [.headerSearchPath("include")]),
    .target(name: "CUnixSocket"),
    .target(name: "CSQLiteLog", dependencies: ["CSQLite"]),
    // toml++, used as the header-only library it can be, so that nothing more is needed at run time.
    .target(name: "CTOML"),

    .systemLibrary(name: "CPrefetch"),
    .systemLibrary(name: "CChecksum"),

    .target(
      name: "KeywardCore", dependencies: ["CChecksum", "CCrypto", "CPrefetch", "CUtf8proc"], swiftSettings: strict),
    .target(
      name: "KeywardWire", dependencies: ["KeywardCore", "CKeywardProto", "CProtobufC"], swiftSettings: strict),
    .target(name: "UnixSocket", dependencies: ["CUnixSocket"], swiftSettings: strict),
    .target(name: "KeywardStore", dependencies: ["KeywardCore", "CSQLite", "CSQLiteLog"], swiftSettings: strict),
    .target(
      name: "KeywardServer", dependencies: ["CNghttp2", "CZlib", "KeywardCore", "KeywardWire", "UnixSocket", logging],
      swiftSettings: strict + unchecked),
    .target(
      name: "KeywardClient", dependencies: ["CNghttp2Archive", "KeywardCore", "KeywardWire", "UnixSocket"],
      swiftSettings: strict),
    // What the two commands share as commands.
    .target(name: "CommandSupport", swiftSettings: strict),
    .executableTarget(
      name: "keywardd",
      dependencies: [
        "CommandSupport", "KeywardCore", "KeywardServer", "KeywardStore", "UnixSocket", "CTOML", argumentParser,
        logging,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "keyward", dependencies: ["CommandSupport", "CUtf8proc", "KeywardCore", "KeywardClient", argumentParser],
      swiftSettings: strict, linkerSettings: lean),

    .testTarget(name: "KeywardCoreTests", dependencies: ["KeywardCore", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "KeywardWireTests", dependencies: ["KeywardCore", "KeywardWire", "CKeywardProto"], swiftSettings: strict),
    .testTarget(
      name: "KeywardStoreTests", dependencies: ["KeywardCore", "KeywardStore", "TestSupport", "CSQLite"],
      swiftSettings: strict),
    .testTarget(
      name: "KeywardCommandTests",
      dependencies: ["CommandSupport", "KeywardCore", "KeywardClient", "keyward", argumentParser],
      swiftSettings: strict),
    .testTarget(
      name: "KeywarddTests",
      dependencies: [
        "CommandSupport", "KeywardCore", "KeywardServer", "UnixSocket", "keywardd", argumentParser, logging,
      ],
      swiftSettings: strict),
    .testTarget(
      name: "DaemonTests",
      dependencies: ["KeywardCore", "KeywardClient", "KeywardWire", "TestSupport", "keyward", "keywardd"],
      exclude: ["GoClient", "PythonClient"], swiftSettings: strict),
    .testTarget(
      name: "KeywardServerTests",
      dependencies: ["KeywardCore", "KeywardServer", "KeywardWire", "TestSupport", "UnixSocket", logging],
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["CNghttp2", "CPeer", "KeywardCore", "KeywardWire"], path: "Tests/TestSupport",
      swiftSettings: strict),
    // Connections of other users, by system calls that Swift cannot import.
    .target(name: "CPeer", path: "Tests/CPeer"),
    // Counts what validations ask of the allocator, as the daemon is built.
    .executableTarget(
      name: "allocation-check",
      dependencies: [
        "CAllocations", "KeywardCore", "KeywardServer", "KeywardWire", "TestSupport", "UnixSocket", logging,
      ],
      path: "Tests/AllocationCheck", swiftSettings: strict),
    .target(name: "CAllocations", path: "Tests/CAllocations"),
    // A program of the bench (Benchmarks/README.md).
    .executableTarget(
      name: "index-growth", dependencies: ["KeywardCore", "UnixSocket"], path: "Benchmarks/IndexGrowth",
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)
