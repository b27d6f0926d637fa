/// Up to 512 keys that follow each other, and their texts.
///
/// A snapshot and the index share blocks: whoever changes one copies it first, unless nobody else has it
/// (``KeyRows``). That, and that all is written before a block is shared, is why it is `@unchecked Sendable`.
final class KeyBlock: @unchecked Sendable {
  static let bits = 9
  static let capacity = 1 << bits

  /// Rows, those of keys that are gone counted.
  private(set) var count = 0
  private let memory: UnsafeMutableRawPointer
  private var rests: [UInt16: KeyRest] = [:]

  // The memory's parts, one after the other: each is aligned, for each is a multiple of 64 bytes.
  private static let recordsStart = (MemoryLayout<Texts>.size + 63) & ~63
  private static let historiesStart = recordsStart + capacity * MemoryLayout<KeyRecord>.stride
  private static let creatorsStart = historiesStart + capacity * MemoryLayout<KeyHistory>.stride
  private static let searchedStart = creatorsStart + capacity * MemoryLayout<UInt32>.stride
  private static let searchStart = searchedStart + capacity
  private static let byteCount = searchStart + SearchTexts.byteCount

  private struct Texts {
    var search: SearchTexts
    var names: ByteText
  }

  // Not properties of the object's own, for a look at those is checked at run time.
  private var texts: UnsafeMutablePointer<Texts> { memory.assumingMemoryBound(to: Texts.self) }
  /// What each row is searched by: the name, or where that is not ASCII, its folded form.
  @inline(__always)
  private(set) var search: SearchTexts {
    get { texts.pointee.search }
    set { texts.pointee.search = newValue }
  }
  /// Names that are not what they are searched by.
  @inline(__always)
  private var names: ByteText {
    get { texts.pointee.names }
    set { texts.pointee.names = newValue }
  }

  @inline(__always)
  var records: UnsafeMutablePointer<KeyRecord> {
    (memory + Self.recordsStart).assumingMemoryBound(to: KeyRecord.self)
  }
  var histories: UnsafeMutablePointer<KeyHistory> {
    (memory + Self.historiesStart).assumingMemoryBound(to: KeyHistory.self)
  }
  /// Numbers of the users who made the keys.
  var creators: UnsafeMutablePointer<UInt32> { (memory + Self.creatorsStart).assumingMemoryBound(to: UInt32.self) }
  /// ``KeyRecord/Flags/searched`` of each row.
  var searched: UnsafeMutablePointer<UInt8> { (memory + Self.searchedStart).assumingMemoryBound(to: UInt8.self) }

  init() {
    memory = .allocate(byteCount: Self.byteCount, alignment: 64)
    texts.initialize(to: Texts(search: SearchTexts(in: memory + Self.searchStart), names: ByteText()))
  }

  init(copying other: KeyBlock) {
    memory = .allocate(byteCount: Self.byteCount, alignment: 64)
    memory.copyMemory(from: other.memory, byteCount: Self.searchStart)
    texts.initialize(
      to: Texts(
        search: SearchTexts(copying: other.search, to: memory + Self.searchStart), names: ByteText(copying: other.names)
      ))
    rests = other.rests
    count = other.count
  }

  deinit {
    search.deallocate()
    names.deallocate()
    memory.deallocate()
  }

  var isFull: Bool { count == Self.capacity }

  // MARK: Reading

  /// The bytes of a key's name, for as long as the block is kept and not changed.
  @inline(__always)
  func name(_ row: Int) -> UnsafeRawBufferPointer {
    let record = records[row]
    let text = record.flags.contains(.spelled) ? names : search.bytes
    return text[Int(record.nameStart)..<Int(record.nameStart) + Int(record.nameCount)]
  }

  @inline(__always)
  func nameCount(_ row: Int) -> Int { Int(records[row].nameCount) }

  /// The bytes that a key is searched by.
  func searchText(_ row: Int) -> UnsafeRawBufferPointer { search[row] }

  func ends(ofKey row: Int) -> KeyEnds {
    let record = records[row]
    return KeyEnds(
      isDeleted: record.flags.contains(.deleted),
      revokeTime: record.flags.contains(.revoked) ? rest(row).revokeTime : nil,
      expireTime: record.expireTime == .distantFuture ? nil : record.expireTime,
      enabled: record.flags.contains(.enabled))
  }

  func purgeTime(_ row: Int) -> Instant? { rest(row).purgeTime }

  private func rest(_ row: Int) -> KeyRest {
    records[row].flags.contains(.hasRest) ? rests[UInt16(row)] ?? .none : .none
  }

  /// The key of a row; nil for one that is gone.
  /// - Parameter user: gives a user's name.
  func key(_ row: Int, lastUsed: Instant?, user: (UInt32) -> String) -> Key? {
    let record = records[row]
    guard record.flags.contains(.present) else { return nil }
    let history = histories[row]
    let rest = rest(row)
    let name = KeyName(checked: String(decoding: name(row), as: UTF8.self))
    let expireTime = record.expireTime == .distantFuture ? nil : record.expireTime
    let noted =
      rest.noted
      ?? Noted(
        expired: record.flags.contains(.expiryNoted) ? expireTime : nil,
        soon: record.flags.contains(.warned) ? expireTime : nil)
    return Key(
      id: record.id, name: name, permission: record.permission, enabled: record.flags.contains(.enabled),
      expireTime: expireTime, revokeTime: rest.revokeTime, revokeReason: rest.revokeReason,
      hint: rest.hint ?? history.hint.text, creator: user(creators[row]), createTime: history.createTime,
      updater: user(history.updater), updateTime: history.updateTime, lastUsedTime: lastUsed,
      deleteTime: rest.deleteTime, purgeTime: rest.purgeTime, revision: history.revision, copyBase: rest.copyBase,
      noted: noted, rateLimit: rest.rateLimit, useLimit: rest.useLimit)
  }

  // MARK: Changing

  /// Adds a key as the last row.
  /// - Precondition: the block is not full.
  func append(_ key: Key, _ digest: Digest, ordinal: Int64, creator: UInt32, updater: UInt32) {
    let row = count
    count += 1
    (records + row).initialize(
      to: KeyRecord(
        digest: digest, id: key.id, expireTime: .distantFuture, nameStart: 0, nameCount: 0, flags: []))
    (histories + row).initialize(
      to: KeyHistory(
        createTime: key.createTime, updateTime: key.updateTime, revision: 0, ordinal: ordinal, hint: .none, updater: 0))
    (creators + row).initialize(to: creator)
    (searched + row).initialize(to: 0)
    search.append()
    setName(key.name, row)
    set(key, row, updater: updater)
    if isFull {
      search.trim()
      names.trim()
    }
  }

  /// Puts a key in the place of the one before, which has the same id.
  func replace(_ row: Int, with key: Key, updater: UInt32) {
    var text = key.name.text
    if !text.withUTF8({ $0.elementsEqual(name(row)) }) { setName(key.name, row) }
    set(key, row, updater: updater)
  }

  func setDigest(_ digest: Digest, _ row: Int) {
    records[row].digest = digest
  }

  /// Takes a key out for good. Its row stays, and is that of no other.
  func remove(_ row: Int) {
    setTexts(row, search: UnsafeRawBufferPointer(start: nil, count: 0), name: nil)
    rests[UInt16(row)] = nil
    records[row].flags = []
    searched[row] = 0
  }

  private func set(_ key: Key, _ row: Int, updater: UInt32) {
    var rest = KeyRest(
      revokeTime: key.revokeTime, revokeReason: key.revokeReason, deleteTime: key.deleteTime,
      purgeTime: key.purgeTime, copyBase: key.copyBase == key.name ? nil : key.copyBase, rateLimit: key.rateLimit,
      useLimit: key.useLimit)
    let hint = KeyHint(key.hint)
    if hint == nil { rest.hint = key.hint }
    var flags: KeyRecord.Flags = .present
    if records[row].flags.contains(.spelled) { flags.insert(.spelled) }
    if key.deleteTime != nil { flags.insert(.deleted) }
    if key.enabled { flags.insert(.enabled) }
    if key.permission == .secureMail { flags.insert(.secureMail) }
    if key.revokeTime != nil { flags.insert(.revoked) }
    if key.isLimited { flags.insert(.limited) }
    if let end = key.expireTime {
      if key.noted.expired == end { flags.insert(.expiryNoted) }
      if key.noted.soon == end { flags.insert(.warned) }
    }
    let usual = Noted(
      expired: flags.contains(.expiryNoted) ? key.expireTime : nil, soon: flags.contains(.warned) ? key.expireTime : nil
    )
    if key.noted != usual { rest.noted = key.noted }
    if rest != .none {
      flags.insert(.hasRest)
      rests[UInt16(row)] = rest
    } else if records[row].flags.contains(.hasRest) {
      rests[UInt16(row)] = nil
    }
    records[row].flags = flags
    searched[row] = flags.searched
    records[row].expireTime = key.expireTime ?? .distantFuture
    histories[row].updateTime = key.updateTime
    histories[row].revision = key.revision
    histories[row].hint = hint ?? .none
    histories[row].updater = updater
  }

  private func setName(_ name: KeyName, _ row: Int) {
    var text = name.text
    text.withUTF8 { utf8 in
      let name = UnsafeRawBufferPointer(utf8)
      if utf8.allSatisfy({ $0 < 0x80 }) { return setTexts(row, search: name, name: nil) }
      var folded = CaseFolding.folded(String(decoding: utf8, as: UTF8.self))
      folded.withUTF8 { folded in
        setTexts(row, search: UnsafeRawBufferPointer(folded), name: folded.elementsEqual(utf8) ? nil : name)
      }
    }
  }

  /// - Parameter name: nil where it is the text to search by.
  private func setTexts(_ row: Int, search text: UnsafeRawBufferPointer, name: UnsafeRawBufferPointer?) {
    let old = search.range(row)
    search.replace(row, with: text)
    let moved = UInt32(truncatingIfNeeded: text.count - old.count)
    let wasSpelled = records[row].flags.contains(.spelled)
    // Names lie in the order of their rows.
    let nameEnd = (row..<count).first { records[$0].flags.contains(.spelled) }.map { Int(records[$0].nameStart) }
    let nameStart = nameEnd ?? names.count
    let oldName = nameStart..<nameStart + (wasSpelled ? Int(records[row].nameCount) : 0)
    names.replace(oldName, with: name ?? UnsafeRawBufferPointer(start: nil, count: 0))
    let movedName = UInt32(truncatingIfNeeded: (name?.count ?? 0) - oldName.count)
    for other in row + 1..<max(count, row + 1) {
      records[other].nameStart &+= records[other].flags.contains(.spelled) ? movedName : moved
    }
    records[row].nameStart = UInt32(name == nil ? old.lowerBound : nameStart)
    records[row].nameCount = UInt16(truncatingIfNeeded: (name ?? text).count)
    if name == nil { records[row].flags.remove(.spelled) } else { records[row].flags.insert(.spelled) }
  }
}
