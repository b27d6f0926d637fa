import CCrypto

/// The system's CSPRNG, asked for 32 numbers at once: a call for each takes longer than what is done with it. A number is
/// wiped once it is given, and those that nobody asked for at the end.
///
/// Concurrency: one user at a time. A class, for of two copies the second would give the first one's numbers again.
final class RandomPool: RandomNumberGenerator {
  private static let capacity = 32
  private static let byteCount = capacity * MemoryLayout<UInt64>.stride

  private let numbers = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
  private var count = 0

  init() {
    numbers.initialize(repeating: 0, count: Self.capacity)
  }

  deinit {
    OPENSSL_cleanse(numbers, Self.byteCount)
    numbers.deallocate()
  }

  func next() -> UInt64 {
    if count == 0 {
      // So many bytes come at once or not at all (getrandom(2)), the latter only where the kernel has no such call.
      guard getrandom(numbers, Self.byteCount, 0) == Self.byteCount else {
        preconditionFailure("the system gives no random numbers")
      }
      count = Self.capacity
    }
    count -= 1
    defer { OPENSSL_cleanse(numbers + count, MemoryLayout<UInt64>.stride) }
    return numbers[count]
  }
}
