import KeywardCore
import KeywardWire
import Synchronization

/// Walks along the audit for peers, a piece at a time among the changes: each holds them up for some milliseconds.
///
/// Concurrency: begun from every reactor; a walk goes on on the writer's thread.
final class Verifier: Sendable {
  private let registry: Registry
  private let writer: Writer
  /// One walk at a time: it keeps in mind something of every key.
  private let isBusy = Atomic(false)

  /// Rows and keys of one piece. More than go in one transaction, or changes could outrun the walk.
  static let pieceSize = 1024

  init(registry: Registry, writer: Writer) {
    self.registry = registry
    self.writer = writer
  }

  /// - Throws: RESOURCE_EXHAUSTED while another walk is under way.
  func begin(for caller: Caller, by deadline: Deadline, _ address: ReplyAddress) throws(CallError) {
    guard !isBusy.exchange(true, ordering: .acquiring) else {
      throw .tooManyWaiting("the audit is being verified for somebody else: try again in a while", retrySeconds: 60)
    }
    do throws(DomainError) {
      goOn(with: try registry.auditVerifier(), for: caller, by: deadline, address)
    } catch {
      isBusy.store(false, ordering: .releasing)
      throw CallError(error)
    }
  }

  private func goOn(
    with walk: any AuditVerifier, for caller: Caller, by deadline: Deadline, _ address: ReplyAddress
  ) {
    writer.goOn(for: caller, by: deadline) { [self] isWanted in
      guard isWanted else { return end(.failure(.tooLate), address) }
      do throws(StoreError) {
        guard let findings = try walk.step(limit: Self.pieceSize) else {
          return goOn(with: walk, for: caller, by: deadline, address)
        }
        end(.success(.verifyAudit(AuditSummary(findings), revision: registry.revision)), address)
      } catch {
        end(.failure(CallError(DomainError(error))), address)
      }
    }
  }

  private func end(_ result: Result<Reply, CallError>, _ address: ReplyAddress) {
    isBusy.store(false, ordering: .releasing)
    address.deliver(result)
  }
}
