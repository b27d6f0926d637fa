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
    case .row(let row, let block): withExtendedLifetime(block) { String(decoding: block.name(row), as: UTF8.self) }
    }
  }

  /// How many bytes of UTF-8 it has.
  public var utf8Count: Int {
    switch storage {
    case .name(let name): name.text.utf8.count
    case .row(let row, let block): block.nameCount(row)
    }
  }

  /// Writes its ``utf8Count`` bytes of UTF-8. No closure is called with them: other modules could not have that
  /// specialized, and every validation tells a name.
  public func copyUTF8(to bytes: UnsafeMutableRawPointer) {
    switch storage {
    case .name(let name):
      UnsafeMutableRawBufferPointer(start: bytes, count: name.text.utf8.count).copyBytes(from: name.text.utf8)
    case .row(let row, let block):
      withExtendedLifetime(block) {
        let name = block.name(row)
        if let start = name.baseAddress { bytes.copyMemory(from: start, byteCount: name.count) }
      }
    }
  }
}

extension NameText: Equatable {
  public static func == (a: NameText, b: NameText) -> Bool {
    a.text == b.text
  }
}
