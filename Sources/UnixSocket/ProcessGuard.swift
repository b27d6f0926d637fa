import CUnixSocket
import Glibc

/// What a process that holds secrets asks of the kernel before it does anything else.
package enum ProcessGuard {
  /// No core dump, no tracing by other processes of the same user.
  package static func forbidCoreDumps() throws(SystemError) {
    guard unix_forbid_core_dumps() == 0 else { throw SystemError("forbid core dumps") }
  }

  /// Gives free memory back to the system.
  package static func releaseFreeMemory() {
    unix_release_free_memory()
  }

  /// Has the system give memory in small pages from now on. Whoever touches a large one first waits until all of it is
  /// cleared, up to two milliseconds. Those that are there stay.
  package static func useSmallPages() {
    unix_use_small_pages()
  }

  /// Gives up the pages of the program's code and constants that have been touched so far. The system can take them for
  /// something else as soon as nobody maps them; those that are needed come back one by one as they are touched.
  package static func releaseProgramPages() {
    unix_release_program_pages()
  }

  /// Lets the process have as many descriptors as it may.
  /// - Returns: how many that is.
  package static func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    limit.rlim_cur = min(limit.rlim_max, 65536)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Int(limit.rlim_cur)
  }

  /// How many processors the process may run on.
  package static var usableProcessors: Int { max(1, Int(unix_usable_processors())) }

  package static var processID: Int32 { getpid() }

  package static var effectiveUser: UInt32 { geteuid() }

  /// Whether the process's user namespace maps every user and every group to itself (user_namespaces(7)). Elsewhere the
  /// kernel names most peers, or most of their groups, by the overflow id.
  package static func hasIdentityMaps() throws(SystemError) -> Bool {
    for path in ["/proc/self/uid_map", "/proc/self/gid_map"] {
      guard try isIdentityMap(path) else { return false }
    }
    return true
  }

  private static func isIdentityMap(_ path: String) throws(SystemError) -> Bool {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    // A kernel without user namespaces has no such file.
    guard fd >= 0 || errno != ENOENT else { return true }
    guard fd >= 0 else { throw SystemError("read \(path)") }
    let file = Descriptor(owning: fd)
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = read(file.rawValue, &bytes, bytes.count)
    guard count >= 0 else { throw SystemError("read \(path)") }
    let fields = String(decoding: bytes.prefix(count), as: UTF8.self).split(whereSeparator: \.isWhitespace)
    return fields == ["0", "0", "4294967295"]
  }
}
