import UnixSocket

/// Where the configuration has the ids of users and groups from: the host's name services, or a test's.
struct HostNames: Sendable {
  typealias LookUp = @Sendable (_ name: String) throws(SystemError) -> UInt32?

  /// The id of a user, nil where there is none. May block.
  let user: LookUp
  /// The id of a group, nil where there is none. May block.
  let group: LookUp

  static let system = HostNames(
    user: { name throws(SystemError) in try UserNames.find(name) },
    group: { name throws(SystemError) in try GroupNames.find(name) })
}
