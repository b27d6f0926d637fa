import Glibc

/// The user database. Each look-up blocks for as long as the host's name services do.
package enum UserNames {
  /// The name of a user; the number where it has none.
  package static func name(of uid: UInt32) -> String {
    lookUp({ getpwuid_r(uid, $0, $1, $2, $3) }, reading: { String(cString: $0.pw_name) }) ?? String(uid)
  }

  /// The id of a user, nil where there is no such user.
  package static func uid(of name: String) -> UInt32? {
    lookUp({ getpwnam_r(name, $0, $1, $2, $3) }, reading: { $0.pw_uid })
  }

  private typealias Query = (
    UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
  ) -> Int32

  private static func lookUp<Value>(_ query: Query, reading: (passwd) -> Value) -> Value? {
    var capacity = 1024
    while capacity <= 1 << 20 {
      var entry = passwd()
      var found: UnsafeMutablePointer<passwd>?
      let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
      defer { buffer.deallocate() }
      let code = query(&entry, buffer, capacity, &found)
      // The entry points into the buffer, so what is wanted is read here.
      if code != ERANGE { return code == 0 && found != nil ? reading(entry) : nil }
      capacity *= 4
    }
    return nil
  }
}
