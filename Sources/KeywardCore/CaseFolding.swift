import CUtf8proc

/// Text as it is compared where upper and lower case shall not matter: Unicode's full case folding, in NFC.
enum CaseFolding {
  static func folded(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) {
      return String(decoding: text.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }
    return UnicodeMap.mapped(text, UTF8PROC_STABLE.rawValue | UTF8PROC_COMPOSE.rawValue | UTF8PROC_CASEFOLD.rawValue)
  }
}

/// utf8proc's one function.
enum UnicodeMap {
  static func mapped(_ text: String, _ options: UInt32) -> String {
    var text = text
    return text.withUTF8 { utf8 in
      var result: UnsafeMutablePointer<UInt8>?
      let count = utf8proc_map(utf8.baseAddress, utf8.count, &result, utf8proc_option_t(rawValue: options))
      guard count >= 0, let result else { preconditionFailure("a String is valid UTF-8, and memory is not short") }
      defer { free(result) }
      return String(decoding: UnsafeBufferPointer(start: result, count: count), as: UTF8.self)
    }
  }
}
