import TestSupport
import Testing

@testable import KeywardCore

/// What the index gives back is what was put in, whatever came between.
@Suite struct IndexTests {
  private static let names = [
    "chat", "Chat Gateway", "ÄRGER", "ärger", "Straße", "STRASSE", "ΣΊΣΥΦΟΣ", "日本語", "é", "🗝️ key", "İstanbul", "x",
    String(repeating: "ß", count: 128), String(repeating: "𝔘", count: 128), "ﬃ",
  ]

  private func name(_ number: Int, _ generator: inout SampleGenerator) -> KeyName {
    // With a number, for no two may have the same.
    KeyName(checked: (Self.names.randomElement(using: &generator) ?? "") + "-\(number)")
  }

  /// A key with any of its fields given or not.
  private func key(_ number: Int, _ generator: inout SampleGenerator) throws -> Key {
    func maybe<Value>(_ value: @autoclosure () throws -> Value) rethrows -> Value? {
      Int.random(in: 0..<4, using: &generator) == 0 ? try value() : nil
    }
    func instant() -> Instant { Instant(microseconds: .random(in: 0...Instant.latest.microseconds, using: &generator)) }
    let deleteTime = maybe(instant())
    let hints = [
      "sha256…", "…", "kw_chat_…abcd", "abcd…wxyz", "012345678…abcd", "none", "", "é…x", "a…b…c", "sk…12345",
    ]
    var key = Key(
      id: .sample(number), name: name(number, &generator), permission: .random(using: &generator),
      enabled: .random(using: &generator), expireTime: maybe(instant()), revokeTime: maybe(instant()),
      revokeReason: maybe("leaked") ?? "", hint: hints.randomElement(using: &generator) ?? "",
      creator: ["ada", "Grace", "Ärna", ""].randomElement(using: &generator) ?? "", createTime: instant(),
      updater: ["ada", "Grace"].randomElement(using: &generator) ?? "", updateTime: instant(),
      lastUsedTime: maybe(instant()), deleteTime: deleteTime, purgeTime: deleteTime.map { $0.adding(seconds: 5) },
      revision: .random(in: 1...1000, using: &generator), copyBase: maybe(KeyName(checked: "base")),
      rateLimit: try maybe(try RateLimit(count: 5, periodSeconds: 3)), useLimit: try maybe(try UseLimit(total: 9)))
    key.noted = Noted(
      expired: Bool.random(using: &generator) ? key.expireTime : maybe(instant()), revoked: maybe(instant()),
      soon: Bool.random(using: &generator) ? key.expireTime : maybe(instant()))
    return key
  }

  @Test("Every field of every key comes back, through thousands of changes, and each is found by what it has")
  func model() throws {
    var generator = SampleGenerator(seed: 21)
    var index = Index()
    var model: [Int: (key: Key, digest: Digest)] = [:]
    var next = 1
    for _ in 0..<3000 {
      let random = Int.random(in: 1...max(1, next), using: &generator)
      let chosen = model[random] == nil ? nil : random
      switch (Int.random(in: 0..<10, using: &generator), chosen) {
      case (0..<4, _), (_, nil):
        let key = try key(next, &generator)
        let isNew = index.insert(StoredKey(key: key, digest: .sample(next), ordinal: Int64(next * 2)))
        #expect(isNew)
        model[next] = (key, .sample(next))
        next += 1
      case (4..<7, let number?):
        var changed = try key(number, &generator)
        guard let before = model[number]?.key else { continue }
        changed = Key(changed, keeping: before)
        index.replace(changed)
        model[number]?.key = changed
      case (7, let number?):
        guard let before = model[number]?.key else { continue }
        index.rotate(before, to: .sample(1_000_000 + next), oldUntil: .noon, at: .noon)
        model[number]?.digest = .sample(1_000_000 + next)
        next += 1
      case (_, let number?):
        index.purge(.sample(number), revision: 1)
        model[number] = nil
      }
    }
    #expect(model.count > 512, "more than one block")
    for number in 1..<next {
      let found = index.key(id: .sample(number))
      #expect(found == model[number]?.key)
    }
    for (key, digest) in model.values {
      let byDigest = index.key(digest: digest)
      let byName = index.key(name: key.name)
      #expect(byDigest == key)
      #expect(byName == (key.deleteTime == nil ? key : nil))
    }
    let count = index.count
    #expect(count == model.values.count { $0.key.deleteTime == nil })
  }

  @Test("A key whose id, digest, former digest or name is here already is not taken in")
  func duplicates() {
    var index = Index()
    let former = FormerDigest(digest: .sample(10), until: .latest)
    let first = index.insert(StoredKey(key: .sample(1), digest: .sample(1), former: [former], ordinal: 1))
    let others = [
      StoredKey(key: .sample(1, name: "other"), digest: .sample(2), ordinal: 2),
      StoredKey(key: .sample(2), digest: .sample(1), ordinal: 2),
      StoredKey(key: .sample(2), digest: .sample(10), ordinal: 2),
      StoredKey(key: .sample(2), digest: .sample(2), former: [former], ordinal: 2),
      StoredKey(key: .sample(2, name: "sample-1"), digest: .sample(2), ordinal: 2),
    ].map { index.insert($0) }
    let deleted = index.insert(
      StoredKey(key: .sample(2, name: "sample-1", deleteTime: .noon), digest: .sample(2), ordinal: 2))
    #expect(first && deleted && others == Array(repeating: false, count: 5))
    let count = index.count
    #expect(count == 1)
  }

  @Test("A name tells what it was when its key was judged, whatever has become of the key")
  func keptName() {
    var index = Index()
    var runsLow = false
    for number in 1...3 {
      index.insert(
        StoredKey(key: .sample(number, name: "Ähm \(number)"), digest: .sample(number), ordinal: Int64(number)))
    }
    let validation = index.use(.sample(2), for: .chat, at: .noon, runsLow: &runsLow)
    index.replace(.sample(2, name: "other"))
    index.replace(.sample(1, name: "a name that is longer"))
    let later = index.use(.sample(2), for: .chat, at: .noon, runsLow: &runsLow)
    index.purge(.sample(2), revision: 9)
    #expect(validation?.subject?.name.text == "Ähm 2")
    #expect(later?.subject?.name.text == "other")
    #expect(validation?.subject?.name == NameText(KeyName(checked: "Ähm 2")))
    #expect(validation != later)
  }

  @Test("A snapshot shows the keys as they were when it was taken")
  func isolation() throws {
    var index = Index()
    for number in 1...1500 {
      index.insert(StoredKey(key: .sample(number), digest: .sample(number), ordinal: Int64(number)))
    }
    let snapshot = index.snapshot
    for number in stride(from: 1, through: 1500, by: 7) { index.purge(.sample(number), revision: 1) }
    for number in stride(from: 2, through: 1500, by: 7) { index.replace(.sample(number, name: "renamed-\(number)")) }
    index.insert(StoredKey(key: .sample(1501), digest: .sample(1501), ordinal: 1501))
    func names(_ snapshot: KeySnapshot) throws -> [String] {
      var names: [String] = []
      var token = ""
      repeat {
        let query = try ListQuery(pageSize: 1000, pageToken: token)
        let page = snapshot.page(
          query, after: token.isEmpty ? nil : try PageToken(token, of: query), at: .noon, soonEnd: .noon,
          lastUses: { $0.map { _ in nil } })
        names += page.keys.map(\.key.name.text)
        token = page.nextPageToken
      } while !token.isEmpty
      return names
    }
    #expect(try names(snapshot) == (1...1500).map { "sample-\($0)" })
    let now = index.snapshot
    let expected = (1...1501).filter { $0 % 7 != 1 || $0 == 1501 }.map {
      $0 % 7 == 2 ? "renamed-\($0)" : "sample-\($0)"
    }
    #expect(try names(now) == expected)
  }
}

extension Permission {
  fileprivate static func random(using generator: inout SampleGenerator) -> Permission {
    allCases.randomElement(using: &generator) ?? .chat
  }
}

extension Key {
  /// A key with what never changes of another.
  fileprivate init(_ key: Key, keeping other: Key) {
    self.init(
      id: other.id, name: key.name, permission: other.permission, enabled: key.enabled, expireTime: key.expireTime,
      revokeTime: key.revokeTime, revokeReason: key.revokeReason, hint: key.hint, creator: other.creator,
      createTime: other.createTime, updater: key.updater, updateTime: key.updateTime,
      lastUsedTime: other.lastUsedTime, deleteTime: key.deleteTime, purgeTime: key.purgeTime, revision: key.revision,
      copyBase: key.copyBase, noted: key.noted, rateLimit: key.rateLimit, useLimit: key.useLimit)
  }
}
