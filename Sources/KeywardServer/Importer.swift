import KeywardCore
import Synchronization

/// Carries out imports: one of a single call at once, one of several when its last portion is here.
///
/// Concurrency: on the writer's thread alone; the lock round the uploads is for the compiler.
final class Importer: Sendable {
  private struct Held {
    let id: UploadID
    let upload: ImportUpload
    let end: Deadline
  }

  private let registry: Registry
  private let clock: Clock
  private let limits: Limits
  /// Of each user at most one, so that nobody holds much and whoever was cut off can begin again at once.
  private let uploads = Mutex<[UInt32: Held]>([:])

  init(registry: Registry, clock: Clock, limits: Limits) {
    self.registry = registry
    self.clock = clock
    self.limits = limits
  }

  /// How many keys are held in all.
  var keyCount: Int { uploads.withLock { $0.values.reduce(0) { $0 + $1.upload.keyCount } } }

  /// Carries out a call. Whatever is refused ends its upload, but for a portion whose turn it is not.
  func carryOut(_ request: ImportKeys, by actor: Actor, at now: Instant) throws(DomainError) -> ImportOutcome {
    dropIdle()
    guard let portion = request.options.portion else {
      return try registry.importKeys(request, by: actor, at: now)
    }
    var upload = try take(portion, of: actor.uid) ?? ImportUpload(request.options)
    try checkRoom(for: upload.keyCount + request.keys.count)
    guard portion.hasMore else {
      try upload.append(request)
      return try registry.importKeys(upload, by: actor, at: now)
    }
    try registry.add(request, to: &upload, by: actor, at: now)
    hold(upload, portion.uploadID, of: actor.uid)
    return ImportOutcome(importedCount: 0, skippedCount: 0, revision: registry.revision)
  }

  /// Lets go of uploads that nobody goes on with.
  func dropIdle() {
    let now = clock.monotonicNanoseconds()
    uploads.withLock { uploads in
      if uploads.values.contains(where: { $0.end.hasPassed(at: now) }) {
        uploads = uploads.filter { !$0.value.end.hasPassed(at: now) }
      }
    }
  }

  /// Takes the user's upload out, so that nothing is left of it unless it is held again.
  /// - Returns: nil for one that begins.
  private func take(_ portion: ImportPortion, of uid: UInt32) throws(DomainError) -> ImportUpload? {
    try uploads.withLock { (uploads) throws(DomainError) in
      if portion.number == 0 {
        uploads[uid] = nil
        return nil
      }
      guard let held = uploads[uid], held.id == portion.uploadID else {
        throw .aborted(
          "no upload of this upload_id is under way: it was refused, left alone for \(Int(limits.uploadSeconds)) s, or "
            + "another one of this user or a restart ended it: begin again with portion 0")
      }
      try held.upload.checkTurn(of: portion)
      uploads[uid] = nil
      return held.upload
    }
  }

  /// - Parameter count: of an upload's keys with those that have come now.
  private func checkRoom(for count: Int) throws(DomainError) {
    guard count <= limits.uploadedKeys else {
      throw .tooLarge("an upload holds at most \(limits.uploadedKeys) keys: split the list")
    }
    guard uploads.withLock({ $0.count }) < limits.uploads, keyCount + count <= limits.uploadedKeys else {
      throw .crowded("uploads of other users leave no room for this one: try again in a minute", retrySeconds: 60)
    }
  }

  private func hold(_ upload: ImportUpload, _ id: UploadID, of uid: UInt32) {
    let end = Deadline(from: clock.monotonicNanoseconds(), seconds: limits.uploadSeconds)
    uploads.withLock { $0[uid] = Held(id: id, upload: upload, end: end) }
  }
}
