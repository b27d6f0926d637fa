import KeywardCore
import Synchronization
import Testing

@Suite struct HookTests {
  private final class Counter: Sendable {
    let value = Atomic(0)
  }

  @Test("A hook that is looked up again and again is called at once, and not through what each look-up left")
  func lookUps() {
    let counter = Counter()
    let hook = Mutex<Hook?>(Hook { counter.value.add(1, ordering: .relaxed) })
    // Each look-up of a bare closure would leave a frame on the stack of the call, and these overflow it.
    for _ in 0..<1_000_000 { _ = hook.withLock { $0 } }
    hook.withLock { $0 }?()
    #expect(counter.value.load(ordering: .relaxed) == 1)
  }
}
