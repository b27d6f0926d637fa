import Testing

@testable import KeywardCore

@Suite struct RandomPoolTests {
  @Test func `No number comes twice, however often the system is asked for more`() {
    let (first, second) = (RandomPool(), RandomPool())
    let numbers = (0..<1000).flatMap { _ in [first.next(), second.next()] }
    #expect(Set(numbers).count == numbers.count)
    #expect(numbers.reduce(0, |) == .max)
    #expect(numbers.reduce(.max, &) == 0)
  }
}
