import Foundation

/// A command run to its end.
struct Command {
  let status: Int32
  let output: String
  let errors: String

  /// - Parameters:
  ///   - command: the path and the arguments.
  ///   - environment: the only KEYWARD_ variables it sees.
  init(_ command: [String], input: String = "", environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: command[0])
    process.arguments = Array(command.dropFirst())
    process.environment = ProcessInfo.processInfo.environment
      .filter { !$0.key.hasPrefix("KEYWARD_") && $0.key != "NOTIFY_SOCKET" }.merging(environment) { $1 }
    let (stdin, stdout) = (Pipe(), Pipe())
    let errorFile = URL(fileURLWithPath: NSTemporaryDirectory() + "/kw-\(UUID().uuidString)")
    _ = FileManager.default.createFile(atPath: errorFile.path, contents: nil)
    defer { try? FileManager.default.removeItem(at: errorFile) }
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = try FileHandle(forWritingTo: errorFile)
    try process.run()
    // What is asked here is far less than a pipe holds, so nothing waits for a reader.
    stdin.fileHandleForWriting.write(Data(input.utf8))
    try stdin.fileHandleForWriting.close()
    output = String(decoding: stdout.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    status = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    errors = try String(contentsOf: errorFile, encoding: .utf8)
  }

  /// Runs `keyward`.
  static func keyward(
    _ arguments: [String], at scratch: Scratch, as user: UInt32? = nil, input: String = ""
  ) throws -> Command {
    let wrapper = user.map { ["/usr/bin/setpriv", "--reuid=\($0)", "--regid=\($0)", "--clear-groups"] } ?? []
    return try Command(
      wrapper + [Products.client] + arguments, input: input, environment: ["KEYWARD_SOCKET": scratch.socket])
  }

  var json: [String: Any] { (try? JSONSerialization.jsonObject(with: Data(output.utf8))) as? [String: Any] ?? [:] }
}
