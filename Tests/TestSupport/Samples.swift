package import KeywardCore

/// Numbers that look random and are the same in every run (SplitMix64).
package struct SampleGenerator: RandomNumberGenerator {
  private var state: UInt64

  package init(seed: UInt64) {
    state = seed
  }

  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var bits = state
    bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
    bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
    return bits ^ (bits >> 31)
  }
}

extension KeyID {
  /// The id that belongs to a number, always the same.
  package static func sample(_ number: Int) -> KeyID {
    var generator = SampleGenerator(seed: UInt64(number))
    let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    func half() -> String {
      var rest = UInt64.random(in: 0..<839_299_365_868_340_224, using: &generator)
      var text: [Character] = []
      for _ in 0..<10 {
        text.append(digits[Int(rest % 62)])
        rest /= 62
      }
      return String(text.reversed())
    }
    guard let id = KeyID("key_" + half() + half()) else { preconditionFailure("twenty digits make an id") }
    return id
  }
}

extension Secret {
  /// The secret that belongs to a number, always the same.
  package static func sample(_ number: Int, for permission: Permission = .chat) -> Secret {
    var generator = SampleGenerator(seed: UInt64(number) &+ 1 << 32)
    return .random(for: permission, using: &generator)
  }

  /// A secret of any form.
  package static func text(_ text: String) -> Secret {
    Array(text.utf8).withUnsafeBytes { Secret(copying: $0) }
  }

  /// The secret as its holder sees it.
  package var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }

  /// The secret as a peer presents it.
  package var presented: PresentedSecret { withUnsafeBytes { PresentedSecret($0) } }
}

extension Digest {
  /// The digest of the secret that belongs to a number.
  package static func sample(_ number: Int) -> Digest { Secret.sample(number).digest }
}

extension Key {
  /// A key that differs from another sample by its number.
  package static func sample(
    _ number: Int = 1, name: String? = nil, permission: Permission = .chat, enabled: Bool = true,
    expireTime: Instant? = nil, revokeTime: Instant? = nil, revokeReason: String = "", lastUsedTime: Instant? = nil,
    deleteTime: Instant? = nil, purgeTime: Instant? = nil, createTime: Instant = .noon, revision: Revision = 0,
    rateLimit: RateLimit? = nil,
    useLimit: UseLimit? = nil
  ) -> Key {
    Key(
      id: .sample(number), name: KeyName(checked: name ?? "sample-\(number)"), permission: permission,
      enabled: enabled, expireTime: expireTime, revokeTime: revokeTime, revokeReason: revokeReason,
      hint: Secret.sample(number, for: permission).hint, creator: "ada", createTime: createTime, updater: "grace",
      updateTime: createTime, lastUsedTime: lastUsedTime, deleteTime: deleteTime, purgeTime: purgeTime,
      revision: revision, rateLimit: rateLimit, useLimit: useLimit)
  }
}

extension Key {
  package func with(revision: Revision) -> Key {
    var key = self
    key.revision = revision
    return key
  }

  /// The key after something was done to it.
  package func changed(_ change: (inout Key) -> Void) -> Key {
    var key = self
    change(&key)
    return key
  }
}

extension Change {
  /// The insertion of a sample key with the digest of the same number.
  package static func insert(_ number: Int, name: String? = nil) -> Change {
    .insert(.sample(number, name: name), .sample(number))
  }

  package static func insert(_ key: Key, _ digest: Digest) -> Change {
    Change(.insert(key, digest), type: .created, by: .sample, before: nil)
  }

  /// - Parameter before: with the revision that the store has given it.
  package static func replace(_ before: Key, _ type: ChangeType = .updated, _ change: (inout Key) -> Void) -> Change {
    Change(.replace(before.changed(change)), type: type, by: .sample, before: before)
  }

  /// - Parameter number: the new digest's.
  package static func rotate(_ before: Key, to number: Int, oldUntil: Instant) -> Change {
    let after = before.changed { $0.hint = Secret.sample(number).hint }
    return Change(.rotate(after, .sample(number), oldUntil: oldUntil), type: .rotated, by: .sample, before: before)
  }

  package static func purge(_ before: Key) -> Change {
    Change(.purge, type: .purged, by: .sample, before: before)
  }
}

extension Actor {
  package static let sample = Actor(uid: 1000, user: "ada", pid: 4242)

  package static let testSweeper = Actor.sweeper(uid: 990, pid: 17)
}

extension Store {
  /// All that the store holds.
  package func contents() throws(StoreError) -> (keys: [StoredKey], mark: StoreMark) {
    var keys: [StoredKey] = []
    let mark = try load { keys.append($0) }
    return (keys, mark)
  }
}
