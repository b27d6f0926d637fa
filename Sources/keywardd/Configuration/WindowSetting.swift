import KeywardCore

/// A setting that says a span of calendar months or of days: `1mo`, `14d`.
extension SoonWindow {
  static let settingAdvice = "give days or months, such as \"14d\" or \"1mo\", of at most ten years"

  /// - Returns: nil for any other text.
  init?(setting text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard digits.count <= 4, let number = Int(digits), number > 0 else { return nil }
    switch text.dropFirst(digits.count) {
    case "d" where number <= 3653: self.init(months: 0, days: number)
    case "mo" where number <= 120: self.init(months: number, days: 0)
    default: return nil
    }
  }

  /// The span as a setting says it.
  var setting: String { months > 0 ? "\(months)mo" : "\(days)d" }
}
