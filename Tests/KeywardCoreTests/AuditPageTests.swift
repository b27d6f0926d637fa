import KeywardCore
import TestSupport
import Testing

@Suite("The audit, page by page")
struct AuditPageTests {
  private let registry: Registry

  init() throws {
    registry = try Registry(store: FakeStore())
    let commands = try (1...7).map {
      Command.create(CreateKey(name: try KeyName("key \($0)"), permission: .chat), by: .sample)
    }
    for result in registry.commit(commands, at: .noon) { _ = try result.get() }
  }

  private func page(_ query: AuditQuery, _ size: Int, _ token: String = "") throws -> AuditPage {
    try registry.auditEvents(AuditPageQuery(query, pageSize: size, pageToken: token))
  }

  @Test("pages have all events once, the latest first, and the last one says so", arguments: [1, 3, 6, 7, 8])
  func pages(_ size: Int) throws {
    var revisions: [Revision] = []
    var token = ""
    repeat {
      let page = try page(AuditQuery(), size, token)
      #expect(page.totalSize == 7)
      #expect(page.events.count <= size)
      revisions += page.events.map(\.revision)
      token = page.nextPageToken
    } while !token.isEmpty
    #expect(revisions == Array((1...7).reversed()))
  }

  @Test("what comes meanwhile moves no page")
  func stability() throws {
    let first = try page(AuditQuery(), 3)
    let late = CreateKey(name: try KeyName("late"), permission: .chat)
    for result in registry.commit([.create(late, by: .sample)], at: .noon) { _ = try result.get() }
    #expect(try page(AuditQuery(), 3, first.nextPageToken).events.map(\.revision) == [4, 3, 2])
  }

  @Test("a token of another query, or of none, is refused")
  func foreignTokens() throws {
    let token = try page(AuditQuery(), 3).nextPageToken
    let others = [
      AuditQuery(keyID: .sample(1)), AuditQuery(user: "ada"), AuditQuery(user: ""), AuditQuery(types: [.created]),
      AuditQuery(start: .epoch), AuditQuery(end: .latest),
    ]
    for query in others { #expect(throws: DomainError.self) { try page(query, 3, token) } }
    for text in [
      "x", token + "0", String(token.dropLast()), String(repeating: "z", count: 16), "é" + token.dropFirst(),
    ] {
      #expect(throws: DomainError.self) { try page(AuditQuery(), 3, text) }
    }
    // The size of the pages may change between them.
    #expect(throws: Never.self) { try page(AuditQuery(), 5, token) }
  }

  @Test("page sizes and times that make no sense are refused, and a huge size is the largest")
  func bounds() throws {
    #expect(throws: DomainError.self) { try AuditPageQuery(AuditQuery(), pageSize: -1) }
    #expect(try AuditPageQuery(AuditQuery(), pageSize: .max).pageSize == 1000)
    #expect(try AuditPageQuery(AuditQuery()).pageSize == 50)
    #expect(throws: DomainError.self) { try AuditPageQuery(AuditQuery(start: .noon, end: .noon)) }
  }
}
