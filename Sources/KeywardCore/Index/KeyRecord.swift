/// What a validation needs of a key, in one cache line; what is rare is in its ``KeyRest``.
struct KeyRecord {
  /// Of its own secret.
  var digest: Digest
  var id: KeyID
  /// ``Instant/distantFuture`` for never.
  var expireTime: Instant
  /// Where the name is in its block: in the names if it is ``Flags/spelled``, else in the search text.
  var nameStart: UInt32
  var nameCount: UInt16
  var flags: Flags

  struct Flags: OptionSet {
    let rawValue: UInt16

    // The first eight, a search reads apart from the record.
    /// Not purged.
    static let present = Flags(rawValue: 1)
    static let deleted = Flags(rawValue: 2)
    static let enabled = Flags(rawValue: 4)
    static let secureMail = Flags(rawValue: 8)

    static let hasRest = Flags(rawValue: 1 << 8)
    /// There is a revoke time in the rest.
    static let revoked = Flags(rawValue: 1 << 9)
    /// There are limits in the rest.
    static let limited = Flags(rawValue: 1 << 10)
    /// The name is not the text that it is searched by.
    static let spelled = Flags(rawValue: 1 << 11)
    /// ``Noted/expired`` is the expire time.
    static let expiryNoted = Flags(rawValue: 1 << 12)
    /// ``Noted/soon`` is the expire time.
    static let warned = Flags(rawValue: 1 << 13)

    /// As a search reads them.
    var searched: UInt8 { UInt8(truncatingIfNeeded: rawValue) }
  }

  var permission: Permission { flags.contains(.secureMail) ? .secureMail : .chat }
}

/// What of a key no validation needs.
struct KeyHistory {
  var createTime: Instant
  var updateTime: Instant
  var revision: Revision
  /// Stays when the key is gone, so that the ordinals of all rows go up.
  let ordinal: Int64
  var hint: KeyHint
  var updater: UInt32
}

/// A hint of the usual forms in twelve bytes: up to eight of ASCII, `…`, up to four of ASCII.
struct KeyHint {
  // Padded with zeros; in words of four bytes, so that what it is part of needs no padding.
  private var bytes: (UInt32, UInt32, UInt32) = (0, 0, 0)

  private static let ellipsis = Array("…".utf8)
  private static let firstRoom = 8
  private static let byteCount = 12

  static let none = KeyHint()

  private init() {}

  /// - Returns: nil for a hint of another form.
  init?(_ text: String) {
    var text = text
    let isUsual = text.withUTF8 { utf8 in
      guard utf8.count <= Self.byteCount + Self.ellipsis.count, let first = utf8.firstIndex(where: { $0 >= 0x80 }),
        first <= Self.firstRoom, utf8[first...].starts(with: Self.ellipsis)
      else { return false }
      let last = utf8[(first + Self.ellipsis.count)...]
      guard last.count <= Self.byteCount - Self.firstRoom, last.allSatisfy({ $0 < 0x80 }), !utf8.contains(0) else {
        return false
      }
      withUnsafeMutableBytes(of: &bytes) { bytes in
        bytes.copyBytes(from: utf8[..<first])
        UnsafeMutableRawBufferPointer(rebasing: bytes[Self.firstRoom...]).copyBytes(from: last)
      }
      return true
    }
    if !isUsual { return nil }
  }

  var text: String {
    withUnsafeBytes(of: bytes) { bytes in
      String(decoding: bytes[..<Self.firstRoom].prefix { $0 != 0 }, as: UTF8.self) + "…"
        + String(decoding: bytes[Self.firstRoom...].prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// What few keys have.
struct KeyRest: Equatable {
  var revokeTime: Instant?
  var revokeReason = ""
  var deleteTime: Instant?
  var purgeTime: Instant?
  /// nil where it is the name.
  var copyBase: KeyName?
  /// nil where the record's flags say it all.
  var noted: Noted?
  var rateLimit: RateLimit?
  var useLimit: UseLimit?
  /// nil where ``KeyHint`` holds it.
  var hint: String?

  static let none = KeyRest()
}
