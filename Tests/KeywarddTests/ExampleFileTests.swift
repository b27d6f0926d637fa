import ArgumentParser
import Glibc
import KeywardCore
import Testing
import UnixSocket

@testable import keywardd

@Suite("systemd/keyward.toml")
struct ExampleFileTests {
  private func example() throws -> String {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let stream = try #require(fopen("/\(root)/systemd/keyward.toml", "r"))
    defer { fclose(stream) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, stream)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  @Test("the example's grants are good ones, and every right is told of")
  func rights() throws {
    let text = try example()
    let lines = text.split(separator: "\n").filter { $0.hasPrefix("# \"") }.map { $0.dropFirst(2) }
    let names = HostNames(
      user: { (name) throws(SystemError) in name == "ann" ? 2000 : nil },
      group: { (name) throws(SystemError) in name == "chat" ? 2000 : nil })
    let file = try ConfigurationFile(
      path: "keyward.toml", bytes: Array("[rights]\n\(lines.joined(separator: "\n"))".utf8), names: names)
    #expect(file.grants.map(\.value.holder) == [.user(2000), .user(1001), .group(2000), .group(33)])
    for name in Rights.everyName {
      #expect(
        text.split(separator: "\n").contains { $0.split(separator: " ").prefix(2) == ["#", name[...]] }, "\(name)")
    }
  }

  private func configuration(_ text: String) throws -> (ConfigurationFile, Configuration) {
    let file = try ConfigurationFile(path: "keyward.toml", bytes: Array(text.utf8))
    return (file, try Configuration(options: DaemonOptions.parse([]), environment: [:], file: file))
  }

  @Test("as it stands the example changes nothing")
  func asItStands() throws {
    let (file, configuration) = try configuration(try example())
    #expect(file.socketPath == nil && file.databasePath == nil && file.logLevel == nil)
    #expect(configuration.sources.socketPath == .standard)
  }

  @Test("with its settings uncommented the example says the defaults, and no setting is missing from it")
  func uncommented() throws {
    let lines = try example().split(separator: "\n", omittingEmptySubsequences: false)
    // A setting's # has no space behind it.
    let text = lines.filter { !$0.hasPrefix("# ") && $0 != "#" }.map { $0.drop { $0 == "#" } }.joined(separator: "\n")
    let (file, configuration) = try configuration(text)
    #expect(file.socketPath != nil && file.databasePath != nil && file.logLevel != nil)
    let standard = try Configuration(options: DaemonOptions.parse([]), environment: [:], file: nil)
    #expect(configuration.socketPath == standard.socketPath)
    #expect(configuration.databasePath == standard.databasePath)
    #expect(configuration.logLevel == standard.logLevel)
    #expect(file.grants.isEmpty)
    // Each limit stands there, at its default.
    #expect(Set(file.limitPositions.keys) == Set(LimitSetting.all.map(\.name)))
    #expect(configuration.limits == standard.limits)
    for setting in ConfigurationFile.Setting.allCases { #expect(text.contains("\n\(setting.key) = ")) }
  }
}
