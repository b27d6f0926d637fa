import Glibc

/// A file descriptor with one owner, closed when the owner goes.
package struct Descriptor: ~Copyable, Sendable {
  package let rawValue: Int32

  package init(owning rawValue: Int32) {
    self.rawValue = rawValue
  }

  deinit {
    close(rawValue)
  }

  /// Hands the descriptor to another owner.
  package consuming func release() -> Int32 {
    let rawValue = rawValue
    discard self
    return rawValue
  }
}
