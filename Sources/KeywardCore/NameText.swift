/// A key's name as it stands in the index, which it keeps as it was, so that telling it copies nothing.
public struct NameText: Sendable {
  private enum Storage {
    case name(KeyName)
    case row(Int, KeyBlock)
  }

  private let storage: Storage

  public init(_ name: KeyName) {
    storage = .name(name)
  }

  init(of row: Int, in block: KeyBlock) {
    storage = .row(row, block)
  }

  public var text: String {
    switch storage {
    case .name(let name): name.text
    case .row(let row, let block): String(decoding: block.name(row), as: UTF8.self)
    }
  }

  /// Calls with the name's UTF-8.
  @inline(__always)
  public func withUTF8<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch storage {
    case .name(let name):
      var text = name.text
      return try text.withUTF8 { utf8 in
        Swift.Result { () throws(Failure) in try body(UnsafeRawBufferPointer(utf8)) }
      }
      .get()
    case .row(let row, let block):
      defer { withExtendedLifetime(block) {} }
      return try body(block.name(row))
    }
  }
}

extension NameText: Equatable {
  public static func == (a: NameText, b: NameText) -> Bool {
    a.withUTF8 { a in b.withUTF8 { b in a.elementsEqual(b) } }
  }
}
