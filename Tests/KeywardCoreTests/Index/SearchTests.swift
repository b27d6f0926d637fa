import TestSupport
import Testing

@testable import KeywardCore

/// Searches against a model that looks at every key by itself.
@Suite struct SearchTests {
  private static let pieces = [
    "a", "b", "AB", "chat", "Ö", "ö", "ß", "SS", "Σ", "ς", "-", " ", "é", "E\u{301}", "日", "K", "[", "{",
  ]
  private static let users = ["ada", "Grace", "ÄRNA", "ab"]

  private func text(_ counts: ClosedRange<Int>, _ generator: inout SampleGenerator) -> String {
    let count = Int.random(in: counts, using: &generator)
    return (0..<count).map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
  }

  private func keys(_ count: Int, _ generator: inout SampleGenerator) throws -> [StoredKey] {
    func time() -> Instant? {
      Bool.random(using: &generator)
        ? Instant.noon.adding(seconds: .random(in: -9...5_000_000, using: &generator)) : nil
    }
    return try (1...count).map { number in
      let used = time()
      // The same instants often, so that the ordinals decide.
      let expireTime = Bool.random(using: &generator) ? time() : .noon.adding(seconds: 60)
      let key = Key(
        id: .sample(number), name: try KeyName("\(text(0...6, &generator))\(number)\(text(0...30, &generator))."),
        permission: Permission.allCases.randomElement(using: &generator) ?? .chat,
        enabled: Int.random(in: 0..<5, using: &generator) > 0, expireTime: expireTime, revokeTime: time(), hint: "…",
        creator: Self.users.randomElement(using: &generator) ?? "", createTime: .noon, updater: "ada",
        updateTime: .noon, lastUsedTime: used, deleteTime: Int.random(in: 0..<9, using: &generator) == 0 ? .noon : nil,
        revision: 1)
      return StoredKey(key: key, digest: .sample(number), ordinal: Int64(number * 3))
    }
  }

  private func order(_ a: StoredKey, _ b: StoredKey, _ order: ListOrder) -> Bool {
    func rank(_ key: StoredKey) -> (Int64, [UInt32]) {
      switch order.field {
      case .createTime: (0, [])
      case .name: (0, CaseFolding.folded(key.key.name.text).unicodeScalars.map(\.value))
      case .expireTime: (key.key.expireTime?.microseconds ?? .max, [])
      case .lastUsedTime: (key.key.lastUsedTime?.microseconds ?? .min, [])
      }
    }
    let (first, second) = (rank(a), rank(b))
    if first.0 != second.0 { return first.0 < second.0 }
    if first.1 != second.1 { return first.1.lexicographicallyPrecedes(second.1) }
    return a.ordinal < b.ordinal
  }

  private func contains(_ hay: String, _ needle: String) -> Bool {
    let (hay, needle) = (Array(CaseFolding.folded(hay).utf8), Array(CaseFolding.folded(needle).utf8))
    if needle.isEmpty { return true }
    return hay.indices.contains { hay[$0...].starts(with: needle) }
  }

  private func model(_ keys: [StoredKey], _ query: ListQuery, _ soonEnd: Instant) -> [String] {
    let found = keys.filter { stored in
      let key = stored.key
      let availability = key.availability(at: .noon, soonEnd: soonEnd)
      let wanted = query.availabilities
      return (query.showDeleted || key.deleteTime == nil)
        && (query.permissions.isEmpty || query.permissions.contains(key.permission))
        && (contains(key.name.text, query.text.given) || contains(key.creator, query.text.given))
        && (wanted.isEmpty || wanted.contains(availability)
          || availability == .soonUnavailable && wanted.contains(.available))
    }
    .sorted { order($0, $1, query.order) }.map(\.key.name.text)
    return query.order.isDescending ? found.reversed() : found
  }

  @Test("Any text, filter and order finds what a look at each key finds, page by page", arguments: 1...4)
  func model(seed: UInt64) throws {
    var generator = SampleGenerator(seed: seed)
    let keys = try keys(1200, &generator)
    let registry = try Registry(store: FakeStore(keys, mark: StoreMark(revision: 1, latestInstant: .noon)))
    let soonEnd = SoonWindow.oneMonth.end(from: .noon)
    var hits = 0
    for _ in 0..<60 {
      let order = ListOrder(
        ListOrder.Field.allCases.randomElement(using: &generator) ?? .name, descending: .random(using: &generator))
      func some<Value: Hashable>(_ values: [Value]) -> Set<Value> {
        Set(values.filter { _ in Int.random(in: 0..<3, using: &generator) == 0 })
      }
      let text = try SearchText(text(0...3, &generator))
      let (permissions, availabilities) = (some(Permission.allCases), some(Availability.allCases))
      let showDeleted = Bool.random(using: &generator)
      var token = ""
      var found: [String] = []
      var total = 0
      var pages = 0
      repeat {
        let query = try ListQuery(
          text: text, permissions: permissions, availabilities: availabilities, showDeleted: showDeleted, order: order,
          pageSize: 170, pageToken: token)
        let page = try registry.list(query, at: .noon)
        (token, total) = (page.nextPageToken, page.totalSize)
        found += page.keys.map(\.key.name.text)
        pages += 1
        if token.isEmpty { #expect(found == model(keys, query, soonEnd)) }
        try #require(pages < 20)
      } while !token.isEmpty
      #expect(total == found.count)
      hits += total
    }
    #expect(hits > 1000)
  }

  @Test("What stands at the end of one name and the beginning of the next is no hit")
  func noSpanning() throws {
    let names = ["xab", "cd", "é", "ab", "Cd"]
    let keys = names.enumerated().map { number, name in
      StoredKey(key: .sample(number, name: name), digest: .sample(number), ordinal: Int64(number + 1))
    }
    let registry = try Registry(store: FakeStore(keys))
    func total(_ text: String) throws -> Int {
      try registry.list(ListQuery(text: SearchText(text)), at: .noon).totalSize
    }
    for text in ["abcd", "bc", "cdé", "cd\u{e9}ab", "ab\0cd", "\0", "d\0", "\0a", "ab\n", "\nada"] {
      #expect(try total(text) == 0, "\(text.debugDescription)")
    }
    #expect(try total("ab") == 2)
    #expect(try total("CD") == 2)
    #expect(try total("É") == 1)
    #expect(try total("AD") == 5, "the creator")
  }

  @Test("A hit is found at every place of names of every length, and no byte beyond the end counts")
  func everyPlace() throws {
    for length in [1, 2, 7, 8, 9, 31, 32, 33, 64, 100] {
      let keys = (0..<length).map { place in
        let name = String(repeating: ".", count: place) + "Q" + String(repeating: ".", count: length - place - 1)
        return StoredKey(key: .sample(place, name: name), digest: .sample(place), ordinal: Int64(place + 1))
      }
      let registry = try Registry(store: FakeStore(keys))
      for end in 0..<min(length, 12) {
        let text = try SearchText("q" + String(repeating: ".", count: end))
        #expect(try registry.list(ListQuery(text: text), at: .noon).totalSize == length - end)
      }
    }
  }

  @Test("Blocks of names made alike or not, renamed and gone, hold what a look at each name finds", arguments: 1...4)
  func changingTexts(seed: UInt64) {
    var generator = SampleGenerator(seed: seed)
    let memory = (0..<2).map { _ in
      UnsafeMutableRawPointer.allocate(byteCount: SearchTexts.byteCount, alignment: 64)
    }
    defer { for part in memory { part.deallocate() } }
    var texts = SearchTexts(in: memory[0])
    defer { texts.deallocate() }
    var model: [[UInt8]] = []
    // Some groups are of one kind, others of any.
    func text() -> [UInt8] {
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: []
      case 1: Array(self.text(0...40, &generator).utf8)
      case 2...3: Array("Chat key \(model.count) of a Service".utf8)
      default: Array("WEB-\(Int.random(in: 0..<2000, using: &generator))\(model.count % 64 < 32 ? "-Mail" : "")".utf8)
      }
    }
    func put(_ text: [UInt8], _ row: Int) {
      model[row] = text
      text.withUnsafeBytes { texts.replace(row, with: $0) }
    }
    for step in 0..<KeyBlock.capacity {
      model.append([])
      texts.append()
      put(text(), step)
      if step % 3 == 0 { put(text(), .random(in: 0...step, using: &generator)) }
      if step % 50 == 0 { check(texts, model, &generator) }
    }
    check(texts, model, &generator)
    var copy = SearchTexts(copying: texts, to: memory[1])
    defer { copy.deallocate() }
    put(Array("another".utf8), 100)
    check(texts, model, &generator)
    copy.trim()
    #expect(!copy[100].elementsEqual("another".utf8))
  }

  private func check(_ texts: SearchTexts, _ model: [[UInt8]], _ generator: inout SampleGenerator) {
    for (row, text) in model.enumerated() { #expect(texts[row].elementsEqual(text)) }
    var needles = [
      "chat key", "a service", "web-", "mail", "e", "-1", "12", "key 1", "of a s", "chat key 12 of a service", "zzz",
    ]
    needles += (0..<8).map { _ in CaseFolding.folded(text(1...3, &generator)) }
    for _ in 0..<20 {
      let name = CaseFolding.folded(String(decoding: model.randomElement(using: &generator) ?? [], as: UTF8.self))
      let part = name.dropFirst(.random(in: 0...5, using: &generator)).prefix(.random(in: 1...9, using: &generator))
      if !part.isEmpty { needles.append(String(part)) }
    }
    for needle in needles {
      let folded = Array(needle.utf8)
      let wanted = model.indices.filter { row in
        let text = model[row].map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
        return text.indices.contains { text[$0...].starts(with: folded) }
      }
      var found: [Int] = []
      Needle(needle)?.rows(of: texts).visit { row in
        if !model[row].isEmpty { found.append(row) }
        return true
      }
      #expect(found == wanted, "\(needle)")
    }
  }

  @Test("An order by last use goes by uses that the store has not been told of")
  func liveUses() throws {
    let keys = (1...3).map { StoredKey(key: .sample($0), digest: .sample($0), ordinal: Int64($0)) }
    let registry = try Registry(store: FakeStore(keys))
    for (step, number) in [2, 3, 1].enumerated() {
      _ = registry.validate(Secret.sample(number).presented, for: .chat, at: .noon.adding(seconds: Int64(step)))
    }
    let query = try ListQuery(order: ListOrder(.lastUsedTime, descending: true))
    #expect(try registry.list(query, at: .noon).keys.map(\.key.id) == [.sample(1), .sample(3), .sample(2)])
  }
}
