import CKeywardProto

/// The descriptors of every service and of all they import, and the names in them.
///
/// Files are kept as protoc wrote them (proto/generate), for reflection hands them out like that.
struct DescriptorSet: Sendable {
  struct File: Sendable {
    let bytes: [UInt8]
    let dependencies: [String]
  }

  /// By their names.
  private(set) var files: [String: File] = [:]
  /// The files that declare them, by their full names.
  private(set) var symbols: [String: String] = [:]
  /// Full names.
  private(set) var messages: Set<String> = []
  /// Full names, in the order of the files.
  private(set) var services: [String] = []

  static let embedded: DescriptorSet = {
    var count = 0
    let start = keyward_descriptors(&count)
    return DescriptorSet(UnsafeRawBufferPointer(start: start, count: count))
  }()

  // Fields of descriptor.proto.
  private enum FileField { static let (name, package, dependency, message, enumeration, service) = (1, 2, 3, 4, 5, 6) }
  private enum MessageField { static let (name, field, nested, enumeration, oneof) = (1, 2, 3, 4, 8) }
  private static let name = 1
  private static let member = 2

  init(_ bytes: UnsafeRawBufferPointer) {
    for file in ProtoFields(bytes) where file.number == 1 { take(file.bytes) }
  }

  private mutating func take(_ bytes: UnsafeRawBufferPointer) {
    let fields = ProtoFields(bytes)
    let file = fields.text(FileField.name)
    let package = fields.text(FileField.package)
    files[file] = File(
      bytes: Array(bytes), dependencies: fields.filter { $0.number == FileField.dependency }.map(\.text))
    for field in fields {
      switch field.number {
      case FileField.message: takeMessage(field.bytes, in: package, file)
      case FileField.enumeration: takeMembers(field.bytes, in: package, file, membersInside: false)
      case FileField.service: services.append(takeMembers(field.bytes, in: package, file, membersInside: true))
      default: break
      }
    }
  }

  private mutating func takeMessage(_ bytes: UnsafeRawBufferPointer, in scope: String, _ file: String) {
    let fields = ProtoFields(bytes)
    let full = "\(scope).\(fields.text(MessageField.name))"
    symbols[full] = file
    messages.insert(full)
    for field in fields {
      switch field.number {
      case MessageField.field, MessageField.oneof: symbols["\(full).\(ProtoFields(field.bytes).text(Self.name))"] = file
      case MessageField.nested: takeMessage(field.bytes, in: full, file)
      case MessageField.enumeration: takeMembers(field.bytes, in: full, file, membersInside: false)
      default: break
      }
    }
  }

  /// An enum, whose values are named beside it, or a service, whose methods are named inside.
  @discardableResult
  private mutating func takeMembers(
    _ bytes: UnsafeRawBufferPointer, in scope: String, _ file: String, membersInside: Bool
  ) -> String {
    let fields = ProtoFields(bytes)
    let full = "\(scope).\(fields.text(Self.name))"
    symbols[full] = file
    for member in fields where member.number == Self.member {
      symbols["\(membersInside ? full : scope).\(ProtoFields(member.bytes).text(Self.name))"] = file
    }
    return full
  }

  /// A file and all it imports, directly or not, each once.
  func closure(of name: String) -> [File] {
    var taken: Set<String> = []
    var found: [File] = []
    var rest = [name]
    while let next = rest.popLast() {
      guard taken.insert(next).inserted, let file = files[next] else { continue }
      found.append(file)
      rest += file.dependencies
    }
    return found
  }
}

/// The length-delimited fields of a protocol buffers message, of others only that they are passed over. Ends where the
/// bytes make no sense.
struct ProtoFields: Sequence, IteratorProtocol {
  struct Field {
    let number: Int
    let bytes: UnsafeRawBufferPointer

    var text: String { String(decoding: bytes, as: UTF8.self) }
  }

  private var rest: UnsafeRawBufferPointer.SubSequence

  init(_ bytes: UnsafeRawBufferPointer) {
    rest = bytes[...]
  }

  /// The first field of a number as text, empty where there is none.
  func text(_ number: Int) -> String { first { $0.number == number }?.text ?? "" }

  mutating func next() -> Field? {
    while let tag = varint() {
      switch tag & 7 {
      case 0: _ = varint()
      case 1: rest = rest.dropFirst(8)
      case 2:
        guard let length = varint(), length <= rest.count else { return nil }
        let bytes = UnsafeRawBufferPointer(rebasing: rest.prefix(length))
        rest = rest.dropFirst(length)
        return Field(number: tag >> 3, bytes: bytes)
      case 5: rest = rest.dropFirst(4)
      default: return nil
      }
    }
    return nil
  }

  private mutating func varint() -> Int? {
    var value = 0
    var shift = 0
    while let byte = rest.popFirst(), shift < 56 {
      value |= Int(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    return nil
  }
}
