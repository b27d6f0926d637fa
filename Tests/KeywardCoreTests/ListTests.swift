import KeywardCore
import TestSupport
import Testing

@Suite struct ListTests {
  /// Keys 1 to 25, every fifth deleted.
  let registry: Registry

  init() throws {
    let keys = (1...25).map { number in
      StoredKey(
        key: .sample(number, deleteTime: number % 5 == 0 ? .noon : nil), digest: .sample(number),
        // With gaps, as a purge leaves them.
        ordinal: Int64(number * 3))
    }
    registry = try Registry(store: FakeStore(keys))
  }

  /// The names on each page, to the last.
  private func pages(size: Int, showDeleted: Bool = false) throws -> [[String]] {
    var pages: [[String]] = []
    var token = ""
    repeat {
      let page = try registry.list(ListQuery(showDeleted: showDeleted, pageSize: size, pageToken: token), at: .noon)
      #expect(page.totalSize == (showDeleted ? 25 : 20))
      pages.append(page.keys.map(\.key.name.text))
      token = page.nextPageToken
      try #require(pages.count <= 30, "the pages must end")
    } while !token.isEmpty
    return pages
  }

  @Test("The pages together are every key once, in the order of creation", arguments: [1, 2, 3, 7, 19, 20, 21, 1000])
  func allPages(_ size: Int) throws {
    let pages = try pages(size: size)
    #expect(pages.flatMap { $0 } == (1...25).filter { $0 % 5 != 0 }.map { "sample-\($0)" })
    #expect(pages.dropLast().allSatisfy { $0.count == size })
    #expect(pages.count == (20 + size - 1) / size, "no empty page at the end")
  }

  @Test("Deleted keys are shown when they are asked for")
  func deleted() throws {
    #expect(try pages(size: 4, showDeleted: true).flatMap { $0 } == (1...25).map { "sample-\($0)" })
  }

  @Test("A list of nothing is one page")
  func empty() throws {
    let page = try Registry(store: FakeStore()).list(ListQuery(), at: .noon)
    #expect(page == KeyPage(keys: [], nextPageToken: "", totalSize: 0))
  }

  @Test("Page sizes: 0 is the default, too many are cut, a negative one is refused")
  func pageSizes() throws {
    #expect(try ListQuery().pageSize == 50)
    #expect(try ListQuery(pageSize: 1000).pageSize == 1000)
    #expect(try ListQuery(pageSize: 1001).pageSize == 1000)
    #expect(try ListQuery(pageSize: .max).pageSize == 1000)
    for size in [-1, Int.min] {
      #expect(throws: DomainError.self) { try ListQuery(pageSize: size) }
    }
  }

  private func expectForeign(_ token: String, showDeleted: Bool = false) throws {
    let query = try ListQuery(showDeleted: showDeleted, pageSize: 5, pageToken: token)
    let text = "is not one that this list gave: ask again from the first page, with no token"
    #expect(throws: DomainError.invalid(field: "page_token", text)) { try registry.list(query, at: .noon) }
  }

  @Test("A token of another query is refused")
  func foreignToken() throws {
    let token = try registry.list(ListQuery(pageSize: 5), at: .noon).nextPageToken
    #expect(!token.isEmpty)
    try expectForeign(token, showDeleted: true)
  }

  @Test(
    "A token that no page gave is refused",
    arguments: [
      "x", "0000000000000000", "zzzzzzzzzzzzzzzz", String(repeating: "é", count: 8), "\0", " ", "00000000000000000",
      String(repeating: "9", count: 100_000),
    ])
  func garbageToken(_ token: String) throws {
    try expectForeign(token)
  }

  @Test("A token with any one character changed is refused")
  func changedToken() throws {
    let token = Array(try registry.list(ListQuery(pageSize: 5), at: .noon).nextPageToken.utf8)
    for position in token.indices {
      var other = token
      other[position] = other[position] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
      try expectForeign(String(decoding: other, as: UTF8.self))
    }
  }

  @Test("All pages are judged as of the first one's instant, whatever a span from now gives by then")
  func laterInstant() throws {
    let end = Instant.noon.adding(seconds: 100)
    let keys = (1...4).map { StoredKey(key: .sample($0, expireTime: end), digest: .sample($0), ordinal: Int64($0)) }
    let registry = try Registry(store: FakeStore(keys))
    func page(_ token: String, asOf: Instant?, at now: Instant) throws -> KeyPage {
      try registry.list(ListQuery(availabilities: [.available], asOf: asOf, pageSize: 1, pageToken: token), at: now)
    }
    let first = try page("", asOf: end.adding(seconds: -1), at: .noon)
    let second = try page(first.nextPageToken, asOf: end, at: .noon.adding(seconds: 1))
    #expect(second.totalSize == 4 && second.keys.map(\.state) == [.active])
    let third = try page(second.nextPageToken, asOf: end.adding(seconds: 86398), at: .noon.adding(seconds: 2))
    #expect(third.keys.map(\.key.name.text) == ["sample-3"])
    // What was asked about has come: the list goes on, as of now.
    let past = try page(third.nextPageToken, asOf: end.adding(seconds: 10), at: end.adding(seconds: 10))
    #expect(past.totalSize == 0)
    for asOf in [nil, end.adding(seconds: 86399), Instant.noon.adding(seconds: -86400)] {
      #expect(throws: DomainError.self) { try page(first.nextPageToken, asOf: asOf, at: .noon) }
    }
    let plain = try page("", asOf: nil, at: .noon)
    #expect(throws: DomainError.self) { try page(plain.nextPageToken, asOf: end, at: .noon) }
  }

  @Test("A deleted key is not listed as of its purge, late as the sweeper may be")
  func purged() throws {
    let purge = Instant.noon.adding(seconds: 100)
    let key = StoredKey(key: .sample(deleteTime: .epoch, purgeTime: purge), digest: .sample(1), ordinal: 1)
    let registry = try Registry(store: FakeStore([key]))
    func count(asOf: Instant?, at now: Instant = .noon) throws -> Int {
      try registry.list(ListQuery(showDeleted: true, asOf: asOf), at: now).totalSize
    }
    #expect(try count(asOf: nil) == 1)
    #expect(try count(asOf: purge.adding(seconds: -1)) == 1)
    #expect(try count(asOf: purge) == 0)
    #expect(try count(asOf: nil, at: purge) == 0)
  }

  @Test("The size of the page may change from one to the next")
  func changingSize() throws {
    let first = try registry.list(ListQuery(pageSize: 3), at: .noon)
    let second = try registry.list(ListQuery(pageSize: 1000, pageToken: first.nextPageToken), at: .noon)
    #expect(first.keys.count + second.keys.count == 20)
    #expect(second.nextPageToken.isEmpty)
  }

  @Test("Keys added between two pages come at the end, and move none of the others")
  func stable() throws {
    let first = try registry.list(ListQuery(pageSize: 15), at: .noon)
    let request = CreateKey(name: try KeyName("added"), permission: .chat)
    _ = registry.commit([.create(request, by: .sample)], at: .noon)
    let second = try registry.list(ListQuery(pageSize: 15, pageToken: first.nextPageToken), at: .noon)
    #expect(
      (first.keys + second.keys).map(\.key.name.text) == (1...25).filter { $0 % 5 != 0 }.map { "sample-\($0)" } + [
        "added"
      ])
    #expect(second.totalSize == 21)
  }

  @Test("A token of the last key, given when there was one more, ends the list")
  func tokenOfLast() throws {
    let keys = (1...2).map { StoredKey(key: .sample($0), digest: .sample($0), ordinal: Int64($0)) }
    let token = try Registry(store: FakeStore(keys)).list(ListQuery(pageSize: 1), at: .noon).nextPageToken
    let shorter = try Registry(store: FakeStore([keys[0]]))
    let page = try shorter.list(ListQuery(pageSize: 1, pageToken: token), at: .noon)
    #expect(page.keys.isEmpty && page.nextPageToken.isEmpty)
  }

  @Test("Keys are listed as they are judged at the instant of the call")
  func judged() throws {
    let key = StoredKey(key: .sample(expireTime: .noon), digest: .sample(1), ordinal: 1)
    let registry = try Registry(store: FakeStore([key]))
    #expect(try registry.list(ListQuery(), at: .epoch).keys.map(\.state) == [.active])
    #expect(try registry.list(ListQuery(), at: .noon).keys.map(\.state) == [.expired])
  }
}
