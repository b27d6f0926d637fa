import ArgumentParser
import KeywardCore

struct Enable: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Switches a key on, or with --all every key that the filters match.",
    discussion: "Revoked keys stay as they are. --all asks first, and needs --yes where there is no terminal.")

  @OptionGroup var targets: Targets
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws { try targets.check(etag) }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let verb = GroupVerb(action: .update(KeyUpdate(enabled: true)), verb: "enable", done: "enabled") {
      !$0.key.enabled && $0.state != .revoked
    }
    guard let key = targets.key else { return try verb.perform(targets, common, output) }
    return try common.update(key, KeyUpdate(enabled: true), etag, output)
  }
}

struct Disable: Verb {
  static let configuration = CommandConfiguration(
    abstract: "Switches a key off, until it is enabled again, or with --all every key that the filters match.",
    discussion: "Revoked keys stay as they are. --all asks first, and needs --yes where there is no terminal.")

  @OptionGroup var targets: Targets
  @OptionGroup var etag: EtagOption
  @OptionGroup var common: CommonOptions

  func validate() throws { try targets.check(etag) }

  func perform(_ output: StandardOutput) throws(CommandFailure) -> ExitStatus {
    let verb = GroupVerb(action: .update(KeyUpdate(enabled: false)), verb: "disable", done: "disabled") {
      $0.key.enabled && $0.state != .revoked
    }
    guard let key = targets.key else { return try verb.perform(targets, common, output) }
    return try common.update(key, KeyUpdate(enabled: false), etag, output)
  }
}

extension CommonOptions {
  fileprivate func update(
    _ key: String, _ update: KeyUpdate, _ etag: EtagOption, _ output: StandardOutput
  ) throws(CommandFailure) -> ExitStatus {
    let reference = try KeyReference(key)
    let daemon = try connect()
    let id = try daemon.id(of: reference)
    return try print(
      try daemon.change(ChangeRequest(.update(id, update), etag: etag.revision)), of: daemon, to: output)
  }
}
