import Glibc
import KeywardCore
import Testing
import UnixSocket

@testable import keywardd

@Suite("[rights]")
struct RightsSectionTests {
  private let names = HostNames(
    user: { (name) throws(SystemError) in
      if name == "broken" { throw SystemError("look up a user", code: EIO) }
      return ["ann": 1001, "ann.b@example.com": 1002, "root": 0, "toor": 0, "nobody": 65534][name]
    },
    group: { (name) throws(SystemError) in
      if name == "broken" { throw SystemError("look up a group", code: EIO) }
      return ["chat": 500, "ann": 1001, "root": 0, "nogroup": 65534][name]
    })

  private func read(_ text: String) throws -> ConfigurationFile {
    try ConfigurationFile(path: "k.toml", bytes: Array(text.utf8), names: names)
  }

  @Test("users and groups are granted rights, by name or by number")
  func grants() throws {
    let file = try read(
      """
      [rights]
      "user:ann" = ["canView", "canRead"]
      "user:1003" = ["canValidate:chat"]
      "group:chat" = ["canValidate"]
        'group:33' = [
          "canView",
        ]
      "user:ann.b@example.com" = ["canOperate"]
      "group:ann" = ["canAudit"]
      """)
    #expect(
      file.grants.map(\.value) == [
        Grant(.user(1001), [.canView, .canRead]), Grant(.user(1003), .canValidateChat),
        Grant(.group(500), .canValidate), Grant(.group(33), .canView), Grant(.user(1002), .canOperate),
        Grant(.group(1001), .canAudit),
      ])
    #expect(file.grants.map(\.position.line) == [2, 3, 4, 5, 8, 9])
    #expect(file.grants[3].position.column == 3)
  }

  @Test(
    "the section may be written in each of TOML's ways",
    arguments: [
      "rights = { \"group:33\" = [\"canView\"] }", "rights.\"group:33\" = [\"canView\"]",
      "[log]\nlevel = \"info\"\n[rights]\n\"group:33\" = [\"canView\"]\n[store]\n",
    ])
  func forms(_ text: String) throws {
    #expect(try read(text).grants.map(\.value) == [Grant(.group(33), .canView)])
  }

  @Test("without a section, or with one that says nothing, nobody is granted anything", arguments: ["", "[rights]\n"])
  func nothing(_ text: String) throws {
    #expect(try read(text).grants.isEmpty)
  }

  @Test("every right may be granted by its name", arguments: Rights.everyName)
  func everyRight(_ name: String) throws {
    let file = try read("[rights]\n\"user:5\" = [\"\(name)\"]")
    #expect(file.grants.map(\.value.rights) == [Rights(name: name)])
  }

  @Test("root's group may be granted rights, and highest and lowest numbers are ids")
  func ends() throws {
    let text =
      "[rights]\n\"group:root\" = [\"canView\"]\n\"user:1\" = [\"canView\"]\n\"user:4294967294\" = [\"canView\"]"
    #expect(try read(text).grants.map(\.value.holder) == [.group(0), .user(1), .user(4_294_967_294)])
  }

  private static let rightsList =
    "canView, canRead, canCreate, canUpdate, canDelete, canValidate, canValidate:chat, canValidate:secure-mail,"
    + " canAudit, canOperate"

  /// What stands in the second line, and what is said about it.
  private static let wrongLines: [(String, String)] = [
    (
      "\"user:bob\" = [\"canView\"]",
      "2:1: rights.\"user:bob\" is unknown to this host: make the user, correct its name, or give its number"
    ),
    (
      "\"group:bob\" = [\"canView\"]",
      "2:1: rights.\"group:bob\" is unknown to this host: make the group, correct its name, or give its number"
    ),
    (
      "  \"user:\" = [\"canView\"]",
      "2:3: rights.\"user:\" names no user: give a name or a number behind the colon"
    ),
    (
      "ann = [\"canView\"]",
      "2:1: rights.ann is neither a user nor a group: write \"user:NAME\" or \"group:NAME\", in quotes"
    ),
    (
      "1001 = [\"canView\"]",
      "2:1: rights.1001 is neither a user nor a group: write \"user:NAME\" or \"group:NAME\", in quotes"
    ),
    (
      "user.ann = [\"canView\"]",
      "2:1: rights.user is neither a user nor a group: write \"user:NAME\" or \"group:NAME\", in quotes"
    ),
    ("\"users:ann\" = [\"canView\"]", "2:1: rights.\"users:ann\" begins with \"users\": did you mean user:ann?"),
    ("\"Group:chat\" = [\"canView\"]", "2:1: rights.\"Group:chat\" begins with \"Group\": did you mean group:chat?"),
    ("\"role:x\" = [\"canView\"]", "2:1: rights.\"role:x\" begins with \"role\": there is user:x, group:x"),
    (
      "\"user:root\" = [\"canView\"]",
      "2:1: rights.\"user:root\" is root, who holds every right: leave the line out"
    ),
    ("\"user:0\" = [\"canView\"]", "2:1: rights.\"user:0\" is root, who holds every right: leave the line out"),
    ("\"user:toor\" = [\"canView\"]", "2:1: rights.\"user:toor\" is root, who holds every right: leave the line out"),
    (
      "\"user:4294967295\" = [\"canView\"]",
      "2:1: rights.\"user:4294967295\" has a number that is no id: give one up to 4294967294"
    ),
    (
      "\"group:99999999999999999999\" = [\"canView\"]",
      "2:1: rights.\"group:99999999999999999999\" has a number that is no id: give one up to 4294967294"
    ),
    ("\"user:007\" = [\"canView\"]", "2:1: rights.\"user:007\" has zeros before its number: write 7"),
    (
      "\"user:-1\" = [\"canView\"]",
      "2:1: rights.\"user:-1\" is unknown to this host: make the user, correct its name, or give its number"
    ),
    (
      "\"user:broken\" = [\"canView\"]",
      "2:1: rights.\"user:broken\" cannot be found out, look up a user: Input/output error: mend the host's name"
        + " services, or give its number"
    ),
    (
      "\"user:ann\" = \"canView\"",
      "2:14: rights.\"user:ann\" is a string: give an array of rights, such as [\"canView\"]"
    ),
    (
      "\"user:ann\" = {}", "2:14: rights.\"user:ann\" is a table: give an array of rights, such as [\"canView\"]"
    ),
    ("\"user:ann\" = true", "2:14: rights.\"user:ann\" is a boolean: give an array of rights, such as [\"canView\"]"),
    ("\"user:ann\" = []", "2:14: rights.\"user:ann\" is empty: give a right, or leave the line out"),
    (
      "\"user:ann\" = [\"canView\", \"canRaed\"]",
      "2:26: rights.\"user:ann\"[1] is \"canRaed\", and there is no such right: did you mean canRead?"
    ),
    (
      "\"user:ann\" = [\"CANVALIDATE:CHAT\"]",
      "2:15: rights.\"user:ann\"[0] is \"CANVALIDATE:CHAT\", and there is no such right: did you mean"
        + " canValidate:chat?"
    ),
    (
      "\"user:ann\" = [\"admin\"]",
      "2:15: rights.\"user:ann\"[0] is \"admin\", and there is no such right: there is \(rightsList)"
    ),
    ("\"user:ann\" = [7]", "2:15: rights.\"user:ann\"[0] is an integer: give the name of a right, in quotes"),
    ("\"user:ann\" = [[\"canView\"]]", "2:15: rights.\"user:ann\"[0] is an array: give the name of a right, in quotes"),
    (
      "\"user:ann\" = [\"canView\", \"canView\"]",
      "2:26: rights.\"user:ann\"[1] is \"canView\", which the rights before it have in them: leave one out"
    ),
    (
      "\"user:ann\" = [\"canValidate\", \"canValidate:chat\"]",
      "2:30: rights.\"user:ann\"[1] is \"canValidate:chat\", which the rights before it have in them: leave one out"
    ),
    (
      "socket = \"/a\"",
      "2:1: rights.socket is neither a user nor a group: write \"user:NAME\" or \"group:NAME\", in quotes"
    ),
  ]

  @Test("a mistake is told with its place and what would be right", arguments: wrongLines)
  func mistakes(_ line: String, _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try read("[rights]\n\(line)\n") }
    #expect(error?.description == "k.toml:\(expected)")
  }

  @Test(
    "the ids of whom the kernel cannot tell are granted nothing, by number or by name",
    arguments: [("user", "65534"), ("user", "nobody"), ("group", "65534"), ("group", "nogroup")])
  func overflow(_ kind: String, _ name: String) {
    let error = #expect(throws: ConfigurationError.self) { try read("[rights]\n\"\(kind):\(name)\" = [\"canView\"]") }
    #expect(
      error?.description
        == "k.toml:2:1: rights.\"\(kind):\(name)\" has the id 65534, by which the kernel names every \(kind) that it"
        + " cannot tell, so it never holds a right: grant to a \(kind) of its own")
  }

  @Test("one user by name and by number is told, with the line that it stands in already")
  func sameTwice() {
    let text = "[rights]\n\"user:ann\" = [\"canView\"]\n\"group:1001\" = [\"canView\"]\n\"user:1001\" = [\"canRead\"]\n"
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(
      error?.description == "k.toml:4:1: rights.\"user:1001\" is the same as rights.\"user:ann\" in line 2: put all its"
        + " rights in one line")
  }

  @Test("one key twice is not the last one taken")
  func sameKeyTwice() {
    let text = "[rights]\n\"user:ann\" = [\"canView\"]\n\"user:ann\" = [\"canRead\"]\n"
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.place.hasPrefix("k.toml:3:") == true)
  }

  @Test(
    "what stands in the wrong place, or is no section, is told",
    arguments: [
      ("\"user:ann\" = [\"canView\"]", "1:1: there is no setting \"user:ann\": it belongs in [rights]"),
      ("[log]\n\"group:chat\" = []", "2:1: there is no setting log.\"group:chat\": it belongs in [rights]"),
      ("rights = []", "1:10: rights is an array: it should be a section, [rights]"),
      ("[[rights]]\n", "1:1: rights is an array: it should be a section, [rights]"),
      ("[right]\n", "1:2: there is no section [right]: did you mean [rights]?"),
      (
        "[rights.\"user:ann\"]\n", "1:1: rights.\"user:ann\" is a table: give an array of rights, such as [\"canView\"]"
      ),
      ("\"rights.x\" = 1", "1:1: there is no setting \"rights.x\": did you mean [rights]?"),
      ("[rights]\n\"user:ann\\u0000\" = [\"canView\"]", "2:1: the key has a NUL in it"),
    ])
  func places(_ text: String, _ expected: String) {
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(error?.description == "k.toml:\(expected)")
  }

  @Test("a key without its quotes is an error with its line")
  func unquoted() {
    let error = #expect(throws: ConfigurationError.self) { try read("[rights]\nuser:ann = [\"canView\"]") }
    #expect(error?.place.hasPrefix("k.toml:2:") == true)
  }

  @Test("the host's own names are found, and one that it does not have is not")
  func host() throws {
    #expect(try HostNames.system.user("root") == 0)
    #expect(try HostNames.system.group("root") == 0)
    #expect(try HostNames.system.user("no-such-user-here") == nil)
    #expect(try HostNames.system.group("no-such-group-here") == nil)
  }
}
