import KeywardCore

/// Makes keys of what a list says of them.
struct ImportRowReader {
  /// The instants of dates, which take long to find and come again and again.
  private var dates: [String: Instant] = [:]

  mutating func read(_ row: ImportRow) throws(ImportError) -> (KeyToImport, ImportList.Places) {
    guard let name = row[.name] else { throw ImportError(row.place, "name is missing") }
    let permission = try permission(row)
    let (credential, secret, place) = try credential(row, for: permission)
    let expireTime = try row[.expires].map { (field) throws(ImportError) in try instant(field) } ?? nil
    let keyName = try Self.checked(name) { (text) throws(DomainError) in try KeyName(text) }
    let isDisabled = try disabled(row)
    let key = try Self.checked(row[.creator] ?? name) { (text) throws(DomainError) in
      try ImportKey(
        name: keyName, permission: permission, credential: credential, expireTime: expireTime,
        creator: row[.creator] == nil ? "" : text, enabled: !isDisabled)
    }
    return (
      KeyToImport(key, secret: secret), ImportList.Places(row: row.place, name: name.place, secret: place)
    )
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
      return (ImportCredential(digest: digest), nil, field.place)
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
    guard let field = row[.disabled] else { return false }
    switch field.text {
    case "true": return true
    case "false": return false
    default: throw ImportError(field.place, "disabled is not true or false")
    }
  }

  /// nil for never.
  private mutating func instant(_ field: ImportField) throws(ImportError) -> Instant? {
    let text = field.text
    if text == "never" { return nil }
    if let known = dates[text] { return known }
    if let instant = Instant(rfc3339: text) {
      guard instant.isRepresentable else { throw ImportError(field.place, "expires is not in the years 1970 to 9999") }
      return instant
    }
    // A span would count from when the list is read, and so mean another instant each time.
    guard let expiry = try? Expiry(text), case .endOf = expiry, let instant = try? expiry.instant(now: .epoch) else {
      throw ImportError(
        field.place,
        "expires is no time: give a date (2027-01-31: its end, local time), an instant (2027-01-31T17:00:00+01:00) or never"
      )
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
