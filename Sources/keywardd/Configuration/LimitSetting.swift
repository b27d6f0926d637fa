import KeywardServer

/// A setting of `[server]` that says what one peer, or all of them, may make the server hold.
struct LimitSetting: Sendable {
  private enum Kind: Sendable {
    case flag(any WritableKeyPath<Limits, Bool> & Sendable)
    case number(any WritableKeyPath<Limits, Int> & Sendable, ClosedRange<Int>)
    /// Whole milliseconds; 0 is never where the range has it.
    case seconds(any WritableKeyPath<Limits, Double> & Sendable, ClosedRange<Double>)
  }

  let name: String
  private let kind: Kind

  private static let day = 86_400.0
  private static let mebibyte = 1 << 20

  /// Every one, in the order of the example.
  static let all: [LimitSetting] = [
    LimitSetting("grpc", .flag(\.speaksGRPC)),
    LimitSetting("connections", .number(\.connections, 16...1_000_000)),
    LimitSetting("connections_per_user", .number(\.connectionsPerUser, 1...1_000_000)),
    LimitSetting("unsent_bytes", .number(\.unsentOutput, 16_384...64 * mebibyte)),
    LimitSetting("handshake_timeout", .seconds(\.handshakeSeconds, 0.1...3600)),
    LimitSetting("request_timeout", .seconds(\.frameSeconds, 0.1...3600)),
    LimitSetting("stall_timeout", .seconds(\.stallSeconds, 0.1...day)),
    LimitSetting("idle_timeout", .seconds(\.idleSeconds, 0...365 * day)),
    LimitSetting("keepalive_interval", .seconds(\.keepaliveSeconds, 0...365 * day)),
    LimitSetting("keepalive_timeout", .seconds(\.keepaliveTimeoutSeconds, 0.1...day)),
    LimitSetting("streams_per_connection", .number(\.streamsPerConnection, 1...4096)),
    LimitSetting("header_fields", .number(\.headerCount, 8...1000)),
    LimitSetting("header_bytes", .number(\.headerBytes, 1024...65_536)),
    LimitSetting("message_bytes", .number(\.messageBytes, 1024...4 * mebibyte)),
    LimitSetting("resets_per_second", .number(\.resetsPerSecond, 1...100_000)),
    LimitSetting("control_frames_per_second", .number(\.controlFramesPerSecond, 1...100_000)),
    LimitSetting("streamed_bytes", .number(\.streamedBytes, 4096...64 * mebibyte)),
    LimitSetting("streamed_bytes_per_connection", .number(\.streamedBytesPerConnection, 4096...256 * mebibyte)),
    LimitSetting("watchers", .number(\.watchers, 1...1_000_000)),
    LimitSetting("watchers_per_user", .number(\.watchersPerUser, 1...1_000_000)),
    LimitSetting("watch_backlog", .number(\.watchBacklog, 100...100_000_000)),
  ]

  private init(_ name: String, _ kind: Kind) {
    self.name = name
    self.kind = kind
  }

  /// Puts a value into limits.
  /// - Returns: what would be right, where it makes no sense; nil where all is well.
  func take(_ value: TOMLDocument.Value, into limits: inout Limits) -> String? {
    switch (kind, value) {
    case (.flag(let path), .boolean(let flag)):
      limits[keyPath: path] = flag
      return nil
    case (.number(let path, let range), .integer(let number)):
      guard let number = Int(exactly: number), range.contains(number) else { return advice }
      limits[keyPath: path] = number
      return nil
    case (.seconds(let path, let range), .string(let text)):
      guard let seconds = Self.seconds(text), range.contains(seconds) else { return advice }
      limits[keyPath: path] = seconds
      return nil
    default: return advice
    }
  }

  /// A limit's value, for the log.
  func text(in limits: Limits) -> String {
    switch kind {
    case .flag(let path): "\(limits[keyPath: path])"
    case .number(let path, _): "\(limits[keyPath: path])"
    case .seconds(let path, _): "\(limits[keyPath: path])s"
    }
  }

  private var advice: String {
    switch kind {
    case .flag: "give true or false"
    case .number(_, let range): "give a number from \(range.lowerBound) to \(range.upperBound)"
    case .seconds(_, let range):
      "give a time in ms, s, m or h (\"30s\"), "
        + (range.lowerBound == 0 ? "\"0s\" for never, " : "\(Int(range.lowerBound * 1000))ms or more, ")
        + "at most \(Int(range.upperBound))s"
    }
  }

  private static func seconds(_ text: String) -> Double? {
    let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
    guard let unit = units.first(where: { text.hasSuffix($0.suffix) }) else { return nil }
    let digits = text.dropLast(unit.suffix.count)
    guard (1...9).contains(digits.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      let number = Int(digits)
    else { return nil }
    return Double(number) * unit.seconds
  }
}
