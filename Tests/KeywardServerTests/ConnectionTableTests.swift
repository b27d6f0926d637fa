import Glibc
import KeywardCore
import Testing
import UnixSocket

@testable import KeywardServer

@Suite struct ConnectionTableTests {
  private let caller = Caller(Peer(uid: 1, gids: [1], pid: 1), authority: Authority(Policy(ownUID: 999, grants: [])))

  /// A connection of one end of a socket pair.
  /// - Returns: also the other end.
  private func insert(into table: inout ConnectionTable) throws -> (id: ConnectionID, other: Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let id = table.nextID()
    table.insert(Connection(Descriptor(owning: ends[0]), id: id, caller: caller))
    return (id, ends[1])
  }

  /// Whether the other end's connection is closed.
  private func isClosed(_ fd: Int32) -> Bool {
    var byte: UInt8 = 0
    return recv(fd, &byte, 1, Int32(MSG_DONTWAIT)) == 0
  }

  @Test func `A connection that was removed is found by nobody, and open until the turn is over`() throws {
    var table = ConnectionTable()
    let (id, other) = try insert(into: &table)
    defer { close(other) }
    let connection = try #require(table.uncounted(id))
    table.remove(connection.takeUnretainedValue())
    #expect(table[id] == nil && table.uncounted(id) == nil && table.count == 0)
    #expect(connection._withUnsafeGuaranteedRef { $0.id } == id)
    #expect(!isClosed(other))
    table.forgetRemoved()
    #expect(isClosed(other))
  }

  @Test func `A slot that is used again has another name, also within the turn`() throws {
    var table = ConnectionTable()
    let (first, firstOther) = try insert(into: &table)
    defer { close(firstOther) }
    table.remove(try #require(table[first]))
    let (second, secondOther) = try insert(into: &table)
    defer { close(secondOther) }
    #expect(second.slot == first.slot && second != first)
    #expect(table[first] == nil && table[second] != nil)
    table.forgetRemoved()
    #expect(isClosed(firstOther) && !isClosed(secondOther))
  }
}
