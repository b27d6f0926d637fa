import CKeywardProto
import CProtobufC
import KeywardCore

// `keyward.v1.RateLimit`, `keyward.v1.UseLimit` and `keyward.v1.Usage`, as fields of other messages.

extension Arena {
  func rateLimit(_ limit: RateLimit?) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__RateLimit>? {
    guard let limit else { return nil }
    let message = try make(keyward__v1__rate_limit__init)
    message.pointee.count = limit.count
    message.pointee.period = try make(google__protobuf__duration__init)
    message.pointee.period.pointee.seconds = limit.periodSeconds
    message.pointee.burst = limit.burst
    return message
  }

  func useLimit(_ limit: UseLimit?) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__UseLimit>? {
    guard let limit else { return nil }
    let message = try make(keyward__v1__use_limit__init)
    message.pointee.total = limit.total
    message.pointee.refill = Keyward__V1__Refill(rawValue: UInt32(limit.refill.rawValue))
    return message
  }

  func usage(_ usage: Usage?) throws(CallError) -> UnsafeMutablePointer<Keyward__V1__Usage>? {
    guard let usage else { return nil }
    let message = try make(keyward__v1__usage__init)
    message.pointee.remaining = usage.remaining
    message.pointee.refill_time = try timestamp(usage.refillTime)
    return message
  }
}

/// nil where none is given.
func usage(_ message: UnsafeMutablePointer<Keyward__V1__Usage>?) throws(CallError) -> Usage? {
  guard let fields = message?.pointee else { return nil }
  return Usage(remaining: fields.remaining, refillTime: try instant(fields.refill_time, "usage.refill_time"))
}

/// nil where none is given.
/// - Throws: INVALID_ARGUMENT outside the ranges.
func rateLimit(_ message: UnsafeMutablePointer<Keyward__V1__RateLimit>?) throws(CallError) -> RateLimit? {
  guard let fields = message?.pointee else { return nil }
  guard let period = fields.period?.pointee else { throw CallError(field: "rate_limit.period", "is missing") }
  guard period.nanos == 0 else {
    throw CallError(field: "rate_limit.period", "has a part of a second: give whole seconds")
  }
  return try checked { () throws(DomainError) in
    try RateLimit(
      count: fields.count, periodSeconds: period.seconds, burst: fields.burst == 0 ? nil : fields.burst)
  }
}

/// nil where none is given.
/// - Throws: INVALID_ARGUMENT outside the range, and for a refill that is not known.
func useLimit(_ message: UnsafeMutablePointer<Keyward__V1__UseLimit>?) throws(CallError) -> UseLimit? {
  guard let fields = message?.pointee else { return nil }
  let number = fields.refill.rawValue
  let refill = number == 0 ? .never : UInt8(exactly: number).flatMap { UseLimit.Refill(rawValue: $0) }
  guard let refill else {
    throw CallError(
      field: "use_limit.refill",
      "\(number) is not known: give REFILL_NEVER, REFILL_DAILY or REFILL_MONTHLY")
  }
  return try checked { () throws(DomainError) in try UseLimit(total: fields.total, refill: refill) }
}
