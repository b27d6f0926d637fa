import Glibc
import UnixSocket

/// The way to the daemon's socket, and whether it is the daemon's.
enum DaemonSocket {
  /// Connects. Nothing is to be sent before this has returned, for it looks who made the socket.
  /// - Parameter timeoutMilliseconds: how long a full backlog is waited for.
  static func connect(_ options: Client.Options, timeoutMilliseconds: Int) throws(ClientError) -> Descriptor {
    let path: SocketPath
    do throws(SocketPathError) {
      path = try SocketPath(options.socketPath)
    } catch {
      throw .unreachable(error.message)
    }
    let descriptor = try open(path, timeoutMilliseconds: timeoutMilliseconds)
    let owner: UInt32
    do throws(SystemError) {
      // On this side of a connection SO_PEERCRED names who made the socket listen.
      owner = try PeerCredentials(of: descriptor).uid
    } catch {
      throw unreachable(path.text, error)
    }
    guard owner == 0 || owner == geteuid() || owner == UserNames.uid(of: options.expectedUser) else {
      throw .untrusted(
        "the socket \(path.text) belongs to the user \(UserNames.name(of: owner)), not to root, this user or"
          + " \(options.expectedUser): nothing was sent to it")
    }
    return descriptor
  }

  private static func open(_ path: SocketPath, timeoutMilliseconds: Int) throws(ClientError) -> Descriptor {
    do throws(SystemError) {
      return try .connected(to: path, timeoutMilliseconds: timeoutMilliseconds)
    } catch {
      throw unreachable(path.text, error)
    }
  }

  private static func unreachable(_ path: String, _ error: SystemError) -> ClientError {
    switch error.code {
    case ENOENT: .unreachable("there is no socket at \(path): start keywardd, or name the socket it listens at")
    case ECONNREFUSED: .unreachable("nobody listens at \(path): start keywardd, or name the socket it listens at")
    case EACCES: .forbidden("this user may not open \(path): ask its owner, or name another socket")
    default: .unreachable("\(error)")
    }
  }
}
