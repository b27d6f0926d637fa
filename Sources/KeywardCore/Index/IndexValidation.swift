/// What secrets are good for, by the keys in the index.
extension Index {
  /// The verdict on whoever presents the secret of a digest.
  func validation(of digest: Digest, for permission: Permission, at now: Instant) -> Validation {
    validation(judge(digest, for: permission, at: now))
  }

  /// As ``validation(of:for:at:)``, and remembers the use of a key that is found valid. A use that the key's limits do
  /// not admit is none.
  /// - Parameter runsLow: set where more uses are to be reserved before they are needed, once for all keys.
  /// - Returns: nil where the use has to wait for the store.
  mutating func use(
    _ digest: Digest, for permission: Permission, at now: Instant, runsLow: inout Bool
  ) -> Validation? {
    let judgement = judge(digest, for: permission, at: now)
    guard judgement.verdict == .valid else { return validation(judgement) }
    if let limited = judgement.limitedUntil {
      let admission = meters.take(judgement.row, at: now)
      guard admission == .granted else { return validation(judgement).judged(by: admission, unless: limited) }
      runsLow = meters.takeCall()
    }
    lastUses.record(judgement.row, at: now)
    return validation(judgement)
  }

  /// As ``use(_:for:at:runsLow:)`` for some of many questions about keys without limits, told without anything that is
  /// counted. Their look-ups wait for memory together, which most of a single one's time goes for.
  mutating func useUnlimited(_ asker: some PlainQuestions, _ range: Range<Int>, at now: Instant) {
    let questions = asker.questions
    withUnsafeTemporaryAllocation(of: LookUp.self, capacity: LookUp.togetherCount) { lookUps in
      for start in stride(from: range.lowerBound, to: range.upperBound, by: LookUp.togetherCount) {
        let end = min(start + LookUp.togetherCount, range.upperBound)
        lookUp(UnsafeBufferPointer(rebasing: questions[start..<end]), lookUps)
        for number in start..<end {
          let lookUp = lookUps[number - start]
          let digest = questions[number].digest
          let found = lookUp.place == nil ? find(digest, lookUp.hash) : (lookUp.row, .distantFuture)
          let judgement = judge(found, for: questions[number].permission, at: now)
          asker.answer(number, use(judgement, at: now))
        }
      }
    }
  }

  /// How far one of several look-ups has come that are made together.
  private struct LookUp: BitwiseCopyable {
    let hash: UInt64
    /// The row where there is one.
    var row = 0
    var place: KeyPlace?

    /// More would have what comes first leave the cache again, and would have no room on the stack, which takes 1024 bytes
    /// of temporary memory.
    static let togetherCount = 32
  }

  /// Looks several questions' keys up, as far as they are found at the first place: each step is taken for all of them
  /// before the next one is.
  /// - Parameter lookUps: is given as many.
  private func lookUp(
    _ questions: UnsafeBufferPointer<PlainQuestion>, _ lookUps: UnsafeMutableBufferPointer<LookUp>
  ) {
    for (number, question) in questions.enumerated() {
      let hash = seed.hash(question.digest)
      byDigest.hint.prefetchShard(hash)
      lookUps.initializeElement(at: number, to: LookUp(hash: hash))
    }
    for number in questions.indices { byDigest.hint.prefetchBucket(lookUps[number].hash) }
    for number in questions.indices {
      guard let row = byDigest.probableRow(lookUps[number].hash) else { continue }
      let place = rows.place(of: row)
      place.prefetchRecord()
      lastUses.prefetch(row)
      lookUps[number].row = row
      lookUps[number].place = place
    }
    for (number, question) in questions.enumerated() {
      guard let place = lookUps[number].place else { continue }
      if place.with({ $0.records[$1].digest }) == question.digest {
        place.prefetchName()
      } else {
        lookUps[number].place = nil
      }
    }
  }

  /// - Returns: nil for a key with limits, of which nothing is used.
  @inline(__always)
  private mutating func use(_ judgement: Judgement, at now: Instant) -> BriefValidation? {
    guard judgement.limitedUntil == nil else { return nil }
    guard judgement.tellsKey else { return BriefValidation(judgement.verdict) }
    if judgement.verdict == .valid { lastUses.record(judgement.row, at: now) }
    return rows.withRow(judgement.row) { block, place in
      BriefValidation(
        judgement.verdict, id: block.records[place].id, name: block.name(place), validUntil: judgement.until,
        revision: revision)
    }
  }

  /// As ``use(_:for:at:runsLow:)`` for several secrets, each judged after those before it: all of them are used, or
  /// none.
  /// - Returns: nil where one of them has to wait for the store.
  mutating func use(_ questions: [Question], at now: Instant) -> [Validation]? {
    var trial = MeterTrial()
    var used: [Int] = []
    var validations: [Validation] = []
    for question in questions {
      guard case .digest(let digest) = question.secret else {
        validations.append(Validation(.malformed))
        continue
      }
      if let later = question.asOf {
        validations.append(self.validation(of: digest, for: question.permission, at: max(later, now)))
        continue
      }
      let judgement = judge(digest, for: question.permission, at: now)
      var validation = validation(judgement)
      if validation.verdict == .valid, let limited = judgement.limitedUntil {
        let admission = trial.take(judgement.row, of: meters, at: now)
        guard let answer = validation.judged(by: admission, unless: limited) else { return nil }
        validation = answer
      }
      if validation.verdict == .valid { used.append(judgement.row) }
      validations.append(validation)
    }
    meters.keep(trial)
    for row in used { lastUses.record(row, at: now) }
    return validations
  }

  /// What a verdict is made of, before anything is told of the key.
  private struct Judgement {
    let verdict: Verdict
    /// Whether the verdict tells of the key.
    var tellsKey = false
    var row = 0
    /// Until when it holds; nil for ever.
    var until: Instant?
    /// For a key with limits the end that time will put to it, ``Instant/distantFuture`` for none.
    var limitedUntil: Instant?
  }

  @inline(__always)
  private func judge(_ digest: Digest, for permission: Permission, at now: Instant) -> Judgement {
    judge(find(digest), for: permission, at: now)
  }

  @inline(__always)
  private func judge(
    _ found: (row: Int, until: Instant)?, for permission: Permission, at now: Instant
  ) -> Judgement {
    guard let (row, until) = found, until > now else { return Judgement(verdict: .notFound) }
    return rows.withRow(row) { block, place in
      let ends = block.ends(ofKey: place)
      let state = ends.state(at: now)
      if state == .deleted { return Judgement(verdict: .notFound) }
      let record = block.records[place]
      guard record.permission == permission else { return Judgement(verdict: .wrongPermission) }
      let end = min(until, ends.nextTransition(after: now) ?? .distantFuture)
      let isLimited = record.flags.contains(.limited)
      let holds = isLimited && state == .active ? now : end
      return Judgement(
        verdict: Verdict(state), tellsKey: true, row: row, until: holds == .distantFuture ? nil : holds,
        limitedUntil: isLimited ? end : nil)
    }
  }

  private func validation(_ judgement: Judgement) -> Validation {
    guard judgement.tellsKey else { return Validation(judgement.verdict) }
    return rows.withRow(judgement.row) { block, place in
      Validation(
        judgement.verdict,
        subject: Validation.Subject(
          id: block.records[place].id, name: NameText(of: place, in: block), validUntil: judgement.until,
          revision: revision))
    }
  }

  /// What the store has to reserve so that secrets can be used that wait for it.
  mutating func reservations(for questions: some Sequence<Question>, at now: Instant) -> [UseReservation] {
    var trial = MeterTrial(asIfReserved: true)
    for question in questions where question.asOf == nil {
      guard case .digest(let digest) = question.secret else { continue }
      let judgement = judge(digest, for: question.permission, at: now)
      guard judgement.verdict == .valid, judgement.limitedUntil != nil else { continue }
      _ = trial.take(judgement.row, of: meters, at: now)
    }
    var reservations: [UseReservation] = []
    for (row, goal) in trial.meters {
      let id = rows.record(row).id
      meters.update(row) { meter in
        if let reservation = meter.reservation(for: id, upTo: goal.used, at: now) { reservations.append(reservation) }
      }
    }
    return reservations
  }
}
