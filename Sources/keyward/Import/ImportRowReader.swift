import KeywardCore

/// Makes keys of what a list says of them.
struct ImportRowReader {
  /// The instants of dates, which take long to find and come again and again.
  private var dates: [String: Instant] = [:]

  mutating func read(_ row: ImportRow) throws(ImportError) -> (KeyToImport, ImportList.Places) {
    guard let name = row[.name] else { throw ImportError(row.place, "name is missing") }
    try Self.checkLife(row)
    let permission = try permission(row)
    let (credential, secret, place) = try credential(row, for: permission)
    let expireTime = try row[.expires].map { (field) throws(ImportError) in try instant(field) } ?? nil
    let keyName = try Self.checked(name) { (text) throws(DomainError) in try KeyName(text) }
    let isDisabled = try disabled(row)
    let (rateLimit, useLimit) = try limits(row)
    let key = try Self.checked(row[.creator] ?? name) { (text) throws(DomainError) in
      try ImportKey(
        name: keyName, permission: permission, credential: credential, expireTime: expireTime,
        creator: row[.creator] == nil ? "" : text, enabled: !isDisabled, rateLimit: rateLimit, useLimit: useLimit)
    }
    return (
      KeyToImport(key, secret: secret), ImportList.Places(row: row.place, name: name.place, secret: place)
    )
  }

  /// An export tells of keys that have ended too, and none of those may come to life.
  private static func checkLife(_ row: ImportRow) throws(ImportError) {
    for (column, word) in [(ImportColumn.revoked, "revoked"), (.deleted, "deleted")] {
      if let field = row[column] {
        throw ImportError(field.place, "tells that the key is \(word), and no key is imported so: leave the line out")
      }
    }
  }

  private static func checked<Value>(
    _ field: ImportField, _ check: (String) throws(DomainError) -> Value
  ) throws(ImportError) -> Value {
    do throws(DomainError) {
      return try check(field.text)
    } catch {
      throw ImportError(field.place, error.message)
    }
  }

  private func permission(_ row: ImportRow) throws(ImportError) -> Permission {
    guard let field = row[.permission] else { throw ImportError(row.place, "permission is missing") }
    let text = field.text
    guard let permission = Permission.allCases.first(where: { $0.name == text || $0.protoName == text }) else {
      throw ImportError(field.place, "permission is not chat or secure-mail")
    }
    return permission
  }

  private func credential(
    _ row: ImportRow, for permission: Permission
  ) throws(ImportError) -> (ImportCredential, Secret?, ImportPlace) {
    switch (row[.secret], row[.sha256]) {
    case (nil, nil): throw ImportError(row.place, "secret and sha256 are missing: give one of them")
    case (.some, let field?): throw ImportError(field.place, "sha256 is given beside secret: give one of them")
    case (nil, let field?):
      guard let digest = Digest(text: field.bytes) else {
        throw ImportError(field.place, "sha256 is no SHA-256: give 64 hexadecimal digits, or the 32 bytes in base64")
      }
      let credential = try Self.checked(field) { (_) throws(DomainError) in try ImportCredential(digest: digest) }
      return (credential, nil, field.place)
    case (let field?, nil):
      do throws(DomainError) {
        return (
          try ImportCredential(secret: field.bytes, for: permission), Secret(copying: field.bytes), field.place
        )
      } catch {
        throw ImportError(field.place, error.message)
      }
    }
  }

  private func disabled(_ row: ImportRow) throws(ImportError) -> Bool {
    if let field = row[.disabled], row[.enabled] != nil {
      throw ImportError(field.place, "disabled is given beside enabled: give one of them")
    }
    if let field = row[.enabled] { return field.text == "false" }
    guard let field = row[.disabled] else { return false }
    switch field.text.lowercased() {
    case "true": return true
    case "false": return false
    default: throw ImportError(field.place, "disabled is not true or false")
    }
  }

  private func limits(_ row: ImportRow) throws(ImportError) -> (RateLimit?, UseLimit?) {
    let rate = try Self.limit(row[.rate], "rate", LimitText.rate)?.limit
    let uses = try Self.limit(row[.uses], "uses", LimitText.uses)?.limit
    return (row.rateLimit ?? rate, row.useLimit ?? uses)
  }

  private static func limit<Limit>(
    _ field: ImportField?, _ name: String, _ read: (String) throws(LimitError) -> Limit
  ) throws(ImportError) -> Limit? {
    guard let field else { return nil }
    do throws(LimitError) {
      return try read(field.text)
    } catch {
      throw ImportError(field.place, "\(name) \(error)")
    }
  }

  private static let noTime = ExpiryError(
    "is no time: give a date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00) or never")

  /// nil for never.
  private mutating func instant(_ field: ImportField) throws(ImportError) -> Instant? {
    let text = field.text
    if text == "never" { return nil }
    if let known = dates[text] { return known }
    let instant: Instant?
    do throws(ExpiryError) {
      let expiry = try Expiry(text)
      switch expiry {
      case .at(let given): return given
      // A span would count from when the list is read, and so mean another instant each time.
      case .seconds, .months, .never: throw .noTime
      case .endOf: instant = try expiry.instant(now: .epoch)
      }
    } catch {
      throw ImportError(field.place, "expires \(error == .noTime ? Self.noTime : error)")
    }
    dates[text] = instant
    return instant
  }
}

extension Digest {
  /// 64 hexadecimal digits, or base64 of either alphabet.
  init?(text: UnsafeRawBufferPointer) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    let isHexadecimal = text.count == 2 * Self.byteCount
    let digits = isHexadecimal ? text[...] : text.last == UInt8(ascii: "=") ? text.dropLast() : text[...]
    guard isHexadecimal || digits.count == 43 else { return nil }
    let width = isHexadecimal ? 4 : 6
    var (bits, count) = (0, 0)
    for digit in digits {
      let value = isHexadecimal ? Character(Unicode.Scalar(digit)).hexDigitValue : Self.base64Value(digit)
      guard let value else { return nil }
      bits = (bits << width | value) & 0xFFFF
      count += width
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> count))
      }
    }
    guard let digest = bytes.withUnsafeBytes({ Digest(bytes: $0) }) else { return nil }
    self = digest
  }

  private static func base64Value(_ digit: UInt8) -> Int? {
    switch digit {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
    default: nil
    }
  }
}
