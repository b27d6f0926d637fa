import CKeywardProto
import CProtobufC
import KeywardCore

/// The messages of `KeyService.VerifyAudit`.
enum VerifyAuditMessages {
  static func decodeRequest(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Request {
    _ = try arena.unpack(payload, keyward__v1__verify_audit_request__unpack)
    return .verifyAudit
  }

  static func encodeRequest(in arena: Arena) throws(CallError) -> Message {
    Message(try arena.make(keyward__v1__verify_audit_request__init))
  }

  static func encodeReply(_ summary: AuditSummary, revision: Revision, in arena: Arena) throws(CallError) -> Message {
    let message = try arena.make(keyward__v1__verify_audit_response__init)
    message.pointee.row_count = Int64(summary.rowCount)
    message.pointee.first_broken_revision = summary.firstBroken ?? 0
    message.pointee.missing_row_count = summary.missingRowCount
    message.pointee.first_missing_revision = summary.firstMissing ?? 0
    message.pointee.altered_key_count = Int64(summary.alteredKeyCount)
    message.pointee.altered_key_ids = try arena.array(summary.alteredKeys) { (id) throws(CallError) in
      try arena.data(id)
    }
    message.pointee.n_altered_key_ids = summary.alteredKeys.count
    message.pointee.audit_hash = try arena.data(summary.head.hashText)
    message.pointee.audit_revision = summary.head.revision
    message.pointee.revision = revision
    message.pointee.clock_set_back = summary.isClockSetBack ? 1 : 0
    return Message(message)
  }

  static func decodeReply(_ payload: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> Reply {
    let fields = try arena.unpack(payload, keyward__v1__verify_audit_response__unpack).pointee
    var ids: [KeyID] = []
    for id in UnsafeBufferPointer(start: fields.altered_key_ids, count: fields.n_altered_key_ids) {
      ids.append(try id.keyID("altered_key_ids"))
    }
    func revision(_ number: Revision) -> Revision? { number == 0 ? nil : number }
    let summary = AuditSummary(
      rowCount: Int(fields.row_count), firstBroken: revision(fields.first_broken_revision),
      missingRowCount: fields.missing_row_count, firstMissing: revision(fields.first_missing_revision),
      alteredKeyCount: Int(fields.altered_key_count), alteredKeys: ids,
      isClockSetBack: fields.clock_set_back != 0,
      head: try AuditHead.received(fields.audit_hash, revision: fields.audit_revision))
    return .verifyAudit(summary, revision: fields.revision)
  }
}

extension AuditHead {
  /// The head of a reply.
  /// - Throws: INVALID_ARGUMENT for what is no hash.
  static func received(_ hash: ProtobufCBinaryData, revision: Revision) throws(CallError) -> AuditHead {
    guard let head = AuditHead(revision: revision, hashText: try hash.text("audit_hash")) else {
      throw CallError(.invalidArgument, "audit_hash is not a SHA-256 in hexadecimal")
    }
    return head
  }
}
