import TestSupport
import Testing

@testable import KeywardCore

@Suite struct AgendaTests {
  @Test("Rows come up in the order of their instants, each once, whatever was set before: against a sorted model")
  func model() {
    var generator = SampleGenerator(seed: 11)
    for _ in 0..<200 {
      var agenda = Agenda()
      var model: [Int: Instant] = [:]
      for _ in 0..<300 {
        let row = Int.random(in: 0..<40, using: &generator)
        switch Int.random(in: 0..<10, using: &generator) {
        case 0..<6:
          let instant = Instant.noon.adding(seconds: .random(in: 0..<30, using: &generator))
          agenda.set(row, at: instant)
          model[row] = instant
        case 6..<8:
          agenda.set(row, at: nil)
          model[row] = nil
        default:
          let now = Instant.noon.adding(seconds: .random(in: 0..<30, using: &generator))
          let first = model.values.min().flatMap { $0 <= now ? $0 : nil }
          let taken = agenda.takeDue(at: now)
          #expect((taken != nil) == (first != nil))
          if let taken { #expect(model.removeValue(forKey: taken) == first) }
        }
        #expect(agenda.next == model.values.min())
        #expect(agenda.count == model.count)
      }
      var order: [Instant] = []
      while let row = agenda.takeDue(at: .distantFuture) { order += [model.removeValue(forKey: row)].compactMap { $0 } }
      #expect(order == order.sorted() && model.isEmpty)
    }
  }

  @Test("Setting one row time and again makes it no longer")
  func bounded() {
    var agenda = Agenda()
    for number in 0..<10_000 { agenda.set(3, at: Instant(microseconds: Int64(number))) }
    #expect(agenda.count == 1)
    #expect(agenda.next == Instant(microseconds: 9999))
  }
}

@Suite struct SoonWindowTests {
  private func instant(_ text: String) throws -> Instant { try #require(Instant(rfc3339: text)) }

  @Test("What is soon unavailable once stays so: the window's end never goes back, and its start is the first instant")
  func monotone() throws {
    var generator = SampleGenerator(seed: 5)
    for window in [SoonWindow.oneMonth, SoonWindow(months: 0, days: 14), SoonWindow(months: 13, days: 0)] {
      var now = try instant("2027-01-01T00:00:00Z")
      var last = window.end(from: now)
      for _ in 0..<20_000 {
        now = now.adding(seconds: .random(in: 1...20_000, using: &generator))
        let end = window.end(from: now)
        #expect(end >= last)
        last = end
        let start = window.start(of: now)
        #expect(window.end(from: start) >= now)
        #expect(window.end(from: Instant(microseconds: start.microseconds - 1)) < now)
      }
    }
  }

  @Test(
    "At the ends of months",
    arguments: [
      ("2027-02-28T20:00:00Z", "2027-01-28T20:00:00Z"), ("2027-03-31T20:00:00Z", "2027-03-01T00:00:00Z"),
      ("2028-03-29T01:00:00Z", "2028-02-29T01:00:00Z"), ("2027-05-31T00:00:00Z", "2027-05-01T00:00:00Z"),
      ("2027-12-31T23:59:59Z", "2027-12-01T00:00:00Z"), ("2028-01-31T12:00:00Z", "2027-12-31T12:00:00Z"),
    ])
  func monthEnds(_ end: String, _ start: String) throws {
    #expect(SoonWindow.oneMonth.start(of: try instant(end)) == (try instant(start)))
  }
}
