import Glibc

extension UnsafeMutableRawBufferPointer {
  /// Overwrites bytes that may be a secret's, in a way that no compiler leaves out (explicit_bzero(3)).
  package func wipe(_ range: Range<Int>) {
    guard let baseAddress, !range.isEmpty else { return }
    explicit_bzero(baseAddress + range.lowerBound, range.count)
  }
}
