import Foundation
import KeywardClient
import KeywardCore
import TestSupport
import Testing

/// A disk whose sync fails once beneath a real daemon, by libfiu.
@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/fiu-run"), "needs Debian's fiu-utils"))
struct SyncFailureTests {
  @Test func `A sync that fails in the middle of a long import is not passed over by the one at its end`() throws {
    let scratch = try Scratch()
    let control = scratch.closed + "/fiu"
    let daemon = try Daemon(scratch, wrapper: ["/usr/bin/fiu-run", "-x", "-f", control])
    try #require(Command.keyward(["create", "before", "--permission", "chat"], at: scratch).status == 0)
    let rows = (0..<8000).map { "name \($0),chat,secret number \($0)\n" }
    let list = scratch.closed + "/list.csv"
    try ("name,permission,secret\n" + rows.joined()).write(toFile: list, atomically: true, encoding: .utf8)

    let fault = "enable name=posix/io/sync/fdatasync,onetime"
    let told = try Command(["/usr/bin/fiu-ctrl", "-f", control, "-c", fault, "\(daemon.pid)"])
    try #require(told.status == 0, "\(told.errors)")
    let imported = try Command.keyward(["import", list], at: scratch)
    #expect(imported.status != 0 && imported.errors.contains("disk failed"))
    // More of it has come than is left to the sync of a commit.
    let log = try FileManager.default.attributesOfItem(atPath: scratch.database + "-wal")[.size] as? Int
    #expect(try #require(log) > 2 * 1024 * 1024)
    let refused = try Command.keyward(["create", "after", "--permission", "chat"], at: scratch)
    #expect(refused.status != 0 && refused.errors.contains("must be restarted"))
    #expect(daemon.end() == 0)

    let again = try Daemon(scratch)
    #expect(try again.client().status().keyCount == 1)
    #expect(try Command.keyward(["create", "after", "--permission", "chat"], at: scratch).status == 0)
  }
}
