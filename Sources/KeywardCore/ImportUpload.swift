/// An import as its portions come: nothing is made of it before all of them are here. An import of one call is an
/// upload of one portion.
///
/// It holds digests and hints, and no secrets.
public struct ImportUpload: Sendable {
  /// Where a key stands.
  struct Entry: Sendable, Equatable {
    let portion: Int32
    let number: Int32
  }

  let options: ImportOptions
  private(set) var portions: [[ImportKey]] = []
  public private(set) var keyCount = 0
  private var names = EntryTable { $0.name }
  private var digests = EntryTable { $0.credential.digest }
  private var content = Hashing()

  /// - Parameter options: what all of its portions say.
  public init(_ options: ImportOptions) {
    self.options = options
    let word: StaticString = options.skipExisting ? "import skipping" : "import"
    content.add(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
  }

  /// Checks that a portion is the one whose turn it is.
  /// - Throws: ``DomainError/aborted(_:)`` naming the one that is expected; the upload may go on with that.
  public func checkTurn(of portion: ImportPortion) throws(DomainError) {
    guard portion.number == portions.count else {
      throw .aborted("portion is \(portion.number), and portion \(portions.count) of the upload is the next: send that")
    }
  }

  /// Takes in the next portion.
  /// - Throws: ``DomainError/invalid(field:_:)`` naming the entry, for a second one with a name or a secret, and for
  ///   options that are not the upload's. The upload is of no more use then.
  public mutating func append(_ request: ImportKeys) throws(DomainError) {
    try check(request.options)
    let portion = Int32(portions.count)
    portions.append(request.keys)
    keyCount += request.keys.count
    for (number, key) in request.keys.enumerated() {
      let entry = Entry(portion: portion, number: Int32(number))
      if let other = names.insert(entry, of: portions) {
        throw .invalid(field: "\(name(of: entry)).name", "is the name of \(name(of: other)) too")
      }
      if let other = digests.insert(entry, of: portions) {
        throw .invalid(field: "\(name(of: entry)).secret", "is the secret of \(name(of: other)) too")
      }
      content.add(key)
    }
  }

  private func check(_ options: ImportOptions) throws(DomainError) {
    let field: String
    if options.skipExisting != self.options.skipExisting {
      field = "skip_existing"
    } else if options.validateOnly != self.options.validateOnly {
      field = "validate_only"
    } else if options.requestID != self.options.requestID {
      field = "request_id"
    } else {
      return
    }
    throw .invalid(field: field, "is not what portion 0 has: give the same in all portions")
  }

  /// As errors call an entry: by its number in the portion that came last, with that of its portion in another one.
  func name(of entry: Entry) -> String {
    Int(entry.portion) == portions.count - 1
      ? "keys[\(entry.number)]" : "portions[\(entry.portion)].keys[\(entry.number)]"
  }

  subscript(entry: Entry) -> ImportKey { portions[Int(entry.portion)][Int(entry.number)] }

  /// Every entry, in the order they came in.
  var entries: some Sequence<Entry> {
    portions.indices.lazy.flatMap { [portions] portion in
      portions[portion].indices.lazy.map { Entry(portion: Int32(portion), number: Int32($0)) }
    }
  }

  /// The same for the same content, in whatever portions.
  var fingerprint: Digest { content.digest }
}

extension Hashing {
  fileprivate mutating func add(_ key: ImportKey) {
    // No text of a key holds the separator, which is a control character.
    let parts = [
      key.name.text, key.permission.name, key.expireTime?.description ?? "never", key.creator, "\(key.enabled)",
    ]
    let limits = (key.rateLimit.map { ["\($0)"] } ?? []) + (key.useLimit.map { ["\($0)"] } ?? [])
    var text = "\u{1F}" + (parts + limits + [""]).joined(separator: "\u{1F}")
    text.withUTF8 { add(UnsafeRawBufferPointer($0)) }
    key.credential.digest.withUnsafeBytes { add($0) }
  }
}
