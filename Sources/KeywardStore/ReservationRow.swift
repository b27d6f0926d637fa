package import KeywardCore

/// A reservation's columns, as they are written and read.
enum ReservationRow {
  /// ?1 id of the key; nothing happens where it is gone.
  static let insertion = """
    INSERT OR REPLACE INTO reservation (key, refill, period, count, ahead)
    SELECT ordinal, ?2, ?3, ?4, 0 FROM key WHERE id = ?1
    """

  static let selection = """
    SELECT key.id, reservation.refill, period, count, ahead, reservation.key
    FROM reservation LEFT JOIN key ON reservation.key = ordinal
    """

  /// The parameters of ``insertion``.
  static func values(of reservation: UseReservation) -> [SQLValue] {
    [
      .text(reservation.key.description), .integer(Int64(reservation.refill.rawValue)), .integer(reservation.period),
      .integer(reservation.count),
    ]
  }

  /// The present row of ``selection``.
  /// - Throws: ``StoreError/damaged(_:)`` naming the first column that holds what was never written.
  static func read(_ row: Statement) throws(StoreError) -> UseReservation {
    let reader = ColumnReader(row: row, table: "reservation", number: row.integer(5) ?? 0)
    func number(_ name: String, _ column: Int32) throws(StoreError) -> Int64 {
      try reader.require(name, row.integer(column).flatMap { $0 >= 0 && $0 <= UseLimit.maxTotal ? $0 : nil })
    }
    let refill = row.integer(1).flatMap { UInt8(exactly: $0) }.flatMap { UseLimit.Refill(rawValue: $0) }
    return UseReservation(
      key: try reader.id("key", 0), refill: try reader.require("refill", refill), period: try number("period", 2),
      count: try number("count", 3), ahead: try number("ahead", 4))
  }
}

extension SQLiteStore {
  package func loadReservations(
    _ receive: (UseReservation) throws(StoreError) -> Void
  ) throws(StoreError) {
    try use { (connection) throws(StoreError) in
      try forEachRow(of: connection.statements.reservations) { (row) throws(StoreError) in
        try receive(try ReservationRow.read(row))
      }
    }
  }

  package func reserve(_ reservations: [UseReservation]) throws(StoreError) {
    try write { (connection) throws(SQLiteError) in
      for reservation in reservations { try connection.statements.reserve.run(ReservationRow.values(of: reservation)) }
    }
  }
}
