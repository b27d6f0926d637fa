import KeywardCore

/// A key's whole record as one line of text, which the audit keeps: never a secret nor a digest.
///
/// Format 1 is 18 fields, parted by tabs, in this order: `1` (the format), id, name, permission (1 chat,
/// 2 secure-mail), enabled (0 or 1), expire time, revoke time, revoke reason, hint, creator, create time, updater,
/// update time, last-used time, delete time, purge time, revision, copy base. A time is microseconds since 1970 in
/// decimal; a field is empty for a time that is not there, a reason that was not given, and a copy base that is the
/// name. Format 2, of a key with limits, has two fields more: rate limit (`count/seconds/burst`) and use limit
/// (`total/refill`, of which 1 is never, 2 daily, 3 monthly), one of which may be empty. In a text a backslash is written `\\`, a tab `\t` and a line feed `\n`.
///
/// The form is canonical: each key has one text, and ``key(from:)`` takes no other.
enum KeyText {
  private static let fieldCounts = ["1": 18, "2": 20]

  static func text(of key: Key) -> String {
    var text = TextBuffer(capacity: 320)
    func end() { text.add(UInt8(ascii: "\t")) }
    func add(_ field: String) {
      addEscaped(field, to: &text)
      end()
    }
    func add(_ instant: Instant?) {
      if let instant { text.add(instant.microseconds) }
      end()
    }
    add(key.isLimited ? "2" : "1")
    add(key.id.description)
    add(key.name.text)
    text.add(Int64(key.permission.rawValue))
    end()
    add(key.enabled ? "1" : "0")
    add(key.expireTime)
    add(key.revokeTime)
    add(key.revokeReason)
    add(key.hint)
    add(key.creator)
    add(key.createTime)
    add(key.updater)
    add(key.updateTime)
    add(key.lastUsedTime)
    add(key.deleteTime)
    add(key.purgeTime)
    text.add(key.revision)
    end()
    addEscaped(KeyRow.copyBaseText(of: key), to: &text)
    if key.isLimited {
      end()
      add(key.rateLimit.map { "\($0.count)/\($0.periodSeconds)/\($0.burst)" } ?? "")
      text.add(key.useLimit.map { "\($0.total)/\($0.refill.rawValue)" } ?? "")
    }
    return text.text
  }

  /// - Returns: nil for any text that ``text(of:)`` does not give.
  static func key(from text: String) -> Key? {
    let fields = text.utf8.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).map {
      String(Substring($0))
    }
    guard fields.count == fieldCounts[fields[0]], let id = KeyID(fields[1]),
      let permission = UInt8(fields[3]).flatMap({ Permission(rawValue: $0) }), let createTime = time(fields[10]),
      let updateTime = time(fields[12]), let revision = Int64(fields[16])
    else { return nil }
    let copyBase = fields[17].isEmpty ? nil : KeyName(checked: unescaped(fields[17]))
    let key = Key(
      id: id, name: KeyName(checked: unescaped(fields[2])), permission: permission, enabled: fields[4] == "1",
      expireTime: time(fields[5]), revokeTime: time(fields[6]), revokeReason: unescaped(fields[7]),
      hint: unescaped(fields[8]), creator: unescaped(fields[9]), createTime: createTime,
      updater: unescaped(fields[11]), updateTime: updateTime, lastUsedTime: time(fields[13]),
      deleteTime: time(fields[14]), purgeTime: time(fields[15]), revision: revision, copyBase: copyBase,
      rateLimit: fields.count > 18 ? rateLimit(fields[18]) : nil,
      useLimit: fields.count > 19 ? useLimit(fields[19]) : nil)
    // What was read leniently above does not come out the same.
    return self.text(of: key).utf8.elementsEqual(text.utf8) ? key : nil
  }

  /// nil also for an instant that no key has.
  private static func time(_ field: String) -> Instant? {
    Int64(field).map { Instant(microseconds: $0) }.flatMap { $0.isRepresentable ? $0 : nil }
  }

  private static func rateLimit(_ field: String) -> RateLimit? {
    let numbers = field.split(separator: "/").compactMap { Int64($0) }
    return numbers.count == 3
      ? try? RateLimit(count: numbers[0], periodSeconds: numbers[1], burst: numbers[2]) : nil
  }

  private static func useLimit(_ field: String) -> UseLimit? {
    let numbers = field.split(separator: "/").compactMap { Int64($0) }
    guard numbers.count == 2, let refill = UInt8(exactly: numbers[1]).flatMap({ UseLimit.Refill(rawValue: $0) }) else {
      return nil
    }
    return try? UseLimit(total: numbers[0], refill: refill)
  }

  private static func addEscaped(_ field: String, to text: inout TextBuffer) {
    guard field.utf8.contains(where: { isSpecial($0) }) else { return text.add(field) }
    for byte in field.utf8 {
      if isSpecial(byte) { text.add(UInt8(ascii: "\\")) }
      switch byte {
      case UInt8(ascii: "\t"): text.add(UInt8(ascii: "t"))
      case UInt8(ascii: "\n"): text.add(UInt8(ascii: "n"))
      default: text.add(byte)
      }
    }
  }

  private static func isSpecial(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "\\") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\n")
  }

  private static func unescaped(_ text: String) -> String {
    guard text.utf8.contains(UInt8(ascii: "\\")) else { return text }
    var result = String.UnicodeScalarView()
    var isEscape = false
    for scalar in text.unicodeScalars {
      if isEscape {
        result.append(scalar == "t" ? "\t" : scalar == "n" ? "\n" : scalar)
        isEscape = false
      } else if scalar == "\\" {
        isEscape = true
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }
}
