import ArgumentParser
import KeywardCore

/// A limit as a person says it.
struct LimitArgument<Limit: Sendable>: Sendable {
  /// nil for `none`.
  let limit: Limit?
}

/// The limits of a key, as options.
struct LimitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How often the key may be used: 100/1m, or 100/1m,burst=20, or none.",
      discussion: """
        So many times in each period (s, m, h, d, w), and after a pause so many at once (default: as many as in a \
        period).
        """, valueName: "n/period"),
    transform: { (text) throws in try LimitText.rate(text) })
  var rate: LimitArgument<RateLimit>?

  @Option(
    help: ArgumentHelp(
      "How many times the key may be used: 1000, 1000/daily, 1000/monthly, or none.",
      discussion: "The count starts anew at midnight, UTC, of each day or of each month's first day, or never.",
      valueName: "n[/refill]"),
    transform: { (text) throws in try LimitText.uses(text) })
  var uses: LimitArgument<UseLimit>?
}

/// Limits in the form that a person gives them in.
enum LimitText {
  static func text(_ limit: RateLimit) -> String {
    let unit = units.first { limit.periodSeconds % $0.seconds == 0 } ?? ("s", 1)
    let burst = limit.burst == limit.count ? "" : ",burst=\(limit.burst)"
    return "\(limit.count)/\(limit.periodSeconds / unit.seconds)\(unit.name)\(burst)"
  }

  static func text(_ limit: UseLimit) -> String {
    limit.refill == .never ? "\(limit.total)" : "\(limit.total)/\(limit.refill.name)"
  }

  static func rate(_ key: Key) -> String? { key.rateLimit.map { text($0) } }

  static func uses(_ key: Key) -> String? { key.useLimit.map { text($0) } }

  /// Both limits of a key on one line; empty where it has none.
  static func both(_ key: Key) -> String {
    [rate(key), uses(key)].compactMap { $0 }.joined(separator: " ")
  }

  /// As ``both(_:)``, with what is left of the total: `100/1m 1000/monthly (997 left)`.
  static func all(_ view: KeyView) -> String {
    both(view.key) + (view.usage.map { " (\($0.remaining) left)" } ?? "")
  }

  /// `3 of 10 uses left, refilled 2026-12-01 00:00 UTC`; nil where there is no total.
  static func left(_ view: KeyView) -> String? {
    guard let usage = view.usage, let total = view.key.useLimit?.total else { return nil }
    let left = "\(usage.remaining) of \(total) \(total == 1 ? "use" : "uses") left"
    // A count starts anew at a midnight, and that is one of UTC.
    return usage.refillTime.map { "\(left), refilled \($0.description.prefix(10)) 00:00 UTC" } ?? left
  }

  /// - Throws: ``LimitError`` for what has not the form, or is outside the ranges.
  static func rate(_ text: String) throws(LimitError) -> LimitArgument<RateLimit> {
    if text == "none" { return LimitArgument(limit: nil) }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    let rate = parts[0].split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count <= 2, rate.count == 2, let count = number(rate[0]), let period = seconds(rate[1]) else {
      throw .rate
    }
    var burst: Int64?
    if parts.count == 2 {
      guard parts[1].hasPrefix("burst="), let given = number(parts[1].dropFirst(6)) else { throw .rate }
      burst = given
    }
    do throws(DomainError) {
      return LimitArgument(limit: try RateLimit(count: count, periodSeconds: period, burst: burst))
    } catch {
      throw LimitError(error.message)
    }
  }

  static func uses(_ text: String) throws(LimitError) -> LimitArgument<UseLimit> {
    if text == "none" { return LimitArgument(limit: nil) }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    let refill = parts.count == 1 ? .never : UseLimit.Refill.allCases.first { parts.count == 2 && $0.name == parts[1] }
    guard let refill, let total = number(parts[0]) else { throw .uses }
    do throws(DomainError) {
      return LimitArgument(limit: try UseLimit(total: total, refill: refill))
    } catch {
      throw LimitError(error.message)
    }
  }

  private static let units: [(name: String, seconds: Int64)] = [
    ("w", 7 * 86400), ("d", 86400), ("h", 3600), ("m", 60), ("s", 1),
  ]

  /// `1m`, or `m` for one of it.
  private static func seconds(_ text: Substring) -> Int64? {
    guard let unit = units.first(where: { text.hasSuffix($0.name) }) else { return nil }
    let digits = text.dropLast()
    guard let count = digits.isEmpty ? 1 : number(digits) else { return nil }
    let (seconds, overflow) = count.multipliedReportingOverflow(by: unit.seconds)
    return overflow ? nil : seconds
  }

  /// Digits alone.
  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
  }
}

/// What is wrong with a limit.
struct LimitError: Error, Equatable, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  static let rate = LimitError("is no rate: give 100/1m (s, m, h, d or w), 100/1m,burst=20, or none")
  static let uses = LimitError("is no number of uses: give 1000, 1000/daily, 1000/monthly, or none")
}
