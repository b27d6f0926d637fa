import Glibc

/// A system call that failed: what was attempted, and errno.
package struct SystemError: Error, Equatable {
  /// What was attempted, in words: "bind /run/keyward/keyward.sock".
  package let operation: String
  package let code: Int32

  package init(_ operation: String, code: Int32 = errno) {
    self.operation = operation
    self.code = code
  }
}

extension SystemError: CustomStringConvertible {
  package var description: String {
    var text = [CChar](repeating: 0, count: 128)
    // The XSI form, which fills the buffer; always NUL-terminated.
    _ = strerror_r(code, &text, text.count)
    let reason = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    return "\(operation): \(String(decoding: reason, as: UTF8.self))"
  }
}

/// Calls again for as long as a signal interrupts.
/// - Returns: the call's result, not negative.
@discardableResult
func retrying(_ operation: @autoclosure () -> String, _ call: () -> Int32) throws(SystemError) -> Int32 {
  while true {
    let result = call()
    if result >= 0 { return result }
    if errno != EINTR { throw SystemError(operation()) }
  }
}
