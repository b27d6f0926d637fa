import TestSupport
import Testing

@testable import KeywardCore

@Suite struct Base62Tests {
  private func text(_ number: UInt64, _ write: (UInt64, UnsafeMutableBufferPointer<UInt8>) -> Void) -> String {
    String(unsafeUninitializedCapacity: 10) { buffer in
      write(number, UnsafeMutableBufferPointer(rebasing: buffer[..<10]))
      return 10
    }
  }

  @Test func `Ten digits written at once are those written by division`() {
    var numbers: [UInt64] = [0, 1, Base62.tenDigitLimit - 1]
    var power: UInt64 = 62
    while power < Base62.tenDigitLimit {
      for factor in 1...61 as ClosedRange<UInt64> {
        numbers += [power * factor - 1, power * factor, power * factor + 1]
      }
      power *= 62
    }
    var generator = SampleGenerator(seed: 62)
    numbers += (0..<50_000).map { _ in .random(in: 0..<Base62.tenDigitLimit, using: &generator) }
    let wrong = numbers.filter { text($0, Base62.writeTen) != text($0, Base62.write) }
    #expect(wrong == [])
    let last = text(Base62.tenDigitLimit - 1, Base62.writeTen)
    #expect(last == "zzzzzzzzzz")
  }

  @Test func `The part of a number is exact enough`() {
    let (quotient, remainder) = Base62.tenDigitLimit.dividingFullWidth((high: 1, low: 0))
    #expect(quotient == 21)
    let fraction = Base62.tenDigitLimit.dividingFullWidth((high: remainder, low: 0)).quotient
    #expect(fraction == Base62.fractionOfPart)
  }
}
