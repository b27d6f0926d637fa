/// Something to call that may stand in a `Mutex` or another generic type.
///
/// A bare closure may not: each access through the generic type wraps it once more, so that after a million accesses a
/// call goes through a million wrappers (Swift 6.3).
package struct Hook: Sendable {
  private let body: @Sendable () -> Void

  package init(_ body: @escaping @Sendable () -> Void) {
    self.body = body
  }

  package func callAsFunction() {
    body()
  }
}
