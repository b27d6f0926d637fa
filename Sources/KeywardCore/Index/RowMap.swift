/// Values of the few rows that have one. Its growth moves few of them at once.
struct RowMap<Value>: ~Copyable {
  private struct Entry {
    let row: Int
    /// nil in a place that is free.
    var value: Value?
  }

  private var table = RowTable()
  private var entries = ChunkedArray<Entry>()
  private var free: [Int] = []

  var isEmpty: Bool { entries.count == free.count }

  /// The rows with a value, in no order.
  var rows: [Int] { (0..<entries.count).filter { entries[$0].value != nil }.map { entries[$0].row } }

  subscript(row: Int) -> Value? {
    get { place(of: row).flatMap { entries[$0].value } }
    set {
      switch (place(of: row), newValue) {
      case (let place?, let value?): entries[place].value = value
      case (let place?, nil): remove(row, at: place)
      case (nil, let value?): insert(row, value)
      case (nil, nil): break
      }
    }
  }

  /// Changes a value in its place.
  /// - Returns: nil where there is none.
  mutating func update<Result>(_ row: Int, _ change: (inout Value) -> Result) -> Result? {
    guard let place = place(of: row) else { return nil }
    return entries[place].value.mutate(change)
  }

  private func place(of row: Int) -> Int? { table.row(Self.hash(row)) { entries[$0].row == row } }

  private mutating func insert(_ row: Int, _ value: Value) {
    let entry = Entry(row: row, value: value)
    let place = free.popLast() ?? entries.count
    if place < entries.count { entries[place] = entry } else { entries.append(entry) }
    table.insert(place, Self.hash(row))
  }

  private mutating func remove(_ row: Int, at place: Int) {
    table.remove(place, Self.hash(row))
    entries[place].value = nil
    free.append(place)
  }

  /// Nobody chooses a row's number.
  private static func hash(_ row: Int) -> UInt64 {
    let product = (UInt64(row) ^ 0x9E37_79B9_7F4A_7C15).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    return product.high ^ product.low
  }
}

extension Optional {
  fileprivate mutating func mutate<Result>(_ change: (inout Wrapped) -> Result) -> Result? {
    // Taken out for the time, so that nothing of it is copied.
    guard var value = take() else { return nil }
    defer { self = value }
    return change(&value)
  }
}
