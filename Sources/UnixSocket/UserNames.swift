import Glibc

/// The user database. Each look-up blocks for as long as the host's name services do.
package enum UserNames {
  /// The name of a user; the number where it has none.
  package static func name(of uid: UInt32) -> String {
    let found = lookUp(passwd(), { getpwuid_r(uid, $0, $1, $2, $3) }, reading: { String(cString: $0.pw_name) })
    return (try? found.get(orThrow: "look up a user")) ?? String(uid)
  }

  /// The id of a user, nil where there is no such user or the name services do not answer.
  package static func uid(of name: String) -> UInt32? { try? find(name) }

  /// The id of a user, nil where there is no such user.
  /// - Throws: where the host's name services cannot tell.
  package static func find(_ name: String) throws(SystemError) -> UInt32? {
    try lookUp(passwd(), { getpwnam_r(name, $0, $1, $2, $3) }, reading: { $0.pw_uid }).get(orThrow: "look up a user")
  }
}

/// The group database. Each look-up blocks for as long as the host's name services do.
package enum GroupNames {
  /// The id of a group, nil where there is no such group.
  /// - Throws: where the host's name services cannot tell.
  package static func find(_ name: String) throws(SystemError) -> UInt32? {
    try lookUp(group(), { getgrnam_r(name, $0, $1, $2, $3) }, reading: { $0.gr_gid }).get(orThrow: "look up a group")
  }
}

/// What a look-up says: an errno, where it says nothing.
private enum Found<Value> {
  case entry(Value)
  case nothing
  case failure(Int32)

  /// nil where there is nothing.
  func get(orThrow operation: String) throws(SystemError) -> Value? {
    switch self {
    case .entry(let value): return value
    case .nothing: return nil
    case .failure(let code): throw SystemError(operation, code: code)
    }
  }
}

private typealias Query<Entry> = (
  UnsafeMutablePointer<Entry>, UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UnsafeMutablePointer<Entry>?>
) -> Int32

/// Runs one of getpwnam_r(3)'s and getgrnam_r(3)'s family, with as much memory as the entry needs: a group's may have
/// thousands of members.
private func lookUp<Entry, Value>(_ empty: Entry, _ query: Query<Entry>, reading: (Entry) -> Value) -> Found<Value> {
  var capacity = 1024
  while true {
    var entry = empty
    var found: UnsafeMutablePointer<Entry>?
    let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
    defer { buffer.deallocate() }
    let code = query(&entry, buffer, capacity, &found)
    switch code {
    // The entry points into the buffer, so what is wanted is read here.
    case 0: return found == nil ? .nothing : .entry(reading(entry))
    // What getpwnam(3) lists for a name that was not found.
    case ENOENT, ESRCH, EBADF, EPERM: return .nothing
    case ERANGE where capacity < 1 << 24: capacity *= 4
    case EINTR: continue
    default: return .failure(code)
    }
  }
}
