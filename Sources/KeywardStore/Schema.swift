/// How the tables came to be what they are: one script for each version, each taking the one before to its own.
///
/// A database says in `user_version` how far it has come. Released scripts never change.
package struct Schema: Sendable {
  package let migrations: [String]

  /// - Parameter migrations: SQL scripts; the first makes version 1 of an empty database.
  package init(migrations: [String]) {
    self.migrations = migrations
  }

  var version: Int { migrations.count }

  /// More changes than will ever be made, and one more can still be counted.
  static let maxRevision: Int64 = 1 << 62

  /// The first version with `store.is_closed`.
  static let firstVersionWithClosing = 3

  package static let current = Schema(migrations: [version1, version2, version3])

  /// "KWRD": what a keyward database carries in its header.
  static let applicationID: Int32 = 0x4B57_5244

  // Instants are microseconds since 1970, to the end of the year 9999. Each constraint guards what loading relies on,
  // so that nothing can be written that would be refused at the next start.
  private static let version1 = """
    CREATE TABLE store (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      revision INTEGER NOT NULL CHECK (revision BETWEEN 0 AND 4611686018427387904),
      latest_instant INTEGER NOT NULL CHECK (latest_instant BETWEEN 0 AND 253402300799999999)
    ) STRICT;
    INSERT INTO store VALUES (1, 0, 0);

    CREATE TABLE key (
      ordinal INTEGER PRIMARY KEY AUTOINCREMENT CHECK (ordinal > 0),
      id TEXT NOT NULL UNIQUE CHECK (length(id) = 24),
      name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 128),
      permission INTEGER NOT NULL CHECK (permission IN (1, 2)),
      enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
      expire_time INTEGER CHECK (expire_time BETWEEN 0 AND 253402300799999999),
      revoke_time INTEGER CHECK (revoke_time BETWEEN 0 AND 253402300799999999),
      revoke_reason TEXT NOT NULL,
      hint TEXT NOT NULL,
      creator TEXT NOT NULL,
      create_time INTEGER NOT NULL CHECK (create_time BETWEEN 0 AND 253402300799999999),
      updater TEXT NOT NULL,
      update_time INTEGER NOT NULL CHECK (update_time BETWEEN 0 AND 253402300799999999),
      last_used_time INTEGER CHECK (last_used_time BETWEEN 0 AND 253402300799999999),
      delete_time INTEGER CHECK (delete_time BETWEEN 0 AND 253402300799999999),
      purge_time INTEGER CHECK (purge_time BETWEEN 0 AND 253402300799999999),
      revision INTEGER NOT NULL CHECK (revision > 0),
      CHECK (revoke_time IS NOT NULL OR revoke_reason = ''),
      CHECK (delete_time IS NOT NULL OR purge_time IS NULL)
    ) STRICT;
    CREATE UNIQUE INDEX key_by_name ON key (name) WHERE delete_time IS NULL;

    CREATE TABLE digest (
      digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
      key INTEGER NOT NULL REFERENCES key (ordinal) ON DELETE CASCADE
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX digest_by_key ON digest (key);
    """

  // - key.copy_base is empty where it is the name itself.
  // - key.noted_… is, for each kind of end, the end whose coming the sweeper has recorded.
  // - key.rate_… and key.use_… are NULL where the key has no such limit.
  // - reservation is what of a key's total may have been granted: count in the period, and where an earlier keyward
  //   wrote it, ahead in any later one; else that is 0.
  // - digest.until is NULL for a key's own digest, and the end of one that another has taken the place of.
  // - store.unaudited is the last revision made before there was an audit: every later one has its row.
  // - audit.time never goes down as the revision goes up, so each index gives rows in the order of their revisions;
  //   with the type behind it, a query is counted and its page found without reading rows that it does not find.
  private static let version2 = """
    ALTER TABLE key ADD COLUMN copy_base TEXT NOT NULL DEFAULT '' CHECK (length(copy_base) <= 128);
    ALTER TABLE key ADD COLUMN noted_expired INTEGER CHECK (noted_expired BETWEEN 0 AND 253402300799999999);
    ALTER TABLE key ADD COLUMN noted_revoked INTEGER CHECK (noted_revoked BETWEEN 0 AND 253402300799999999);
    ALTER TABLE key ADD COLUMN noted_soon INTEGER CHECK (noted_soon BETWEEN 0 AND 253402300799999999);

    ALTER TABLE key ADD COLUMN rate_count INTEGER CHECK (rate_count BETWEEN 1 AND 1000000000);
    ALTER TABLE key ADD COLUMN rate_period INTEGER
      CHECK (rate_period BETWEEN 1 AND 31622400 AND (rate_period IS NULL) = (rate_count IS NULL));
    ALTER TABLE key ADD COLUMN rate_burst INTEGER
      CHECK (rate_burst BETWEEN 1 AND rate_count AND (rate_burst IS NULL) = (rate_count IS NULL));
    ALTER TABLE key ADD COLUMN use_total INTEGER CHECK (use_total BETWEEN 1 AND 1000000000000);
    ALTER TABLE key ADD COLUMN use_refill INTEGER
      CHECK (use_refill IN (1, 2, 3) AND (use_refill IS NULL) = (use_total IS NULL));
    CREATE TABLE reservation (
      key INTEGER PRIMARY KEY REFERENCES key (ordinal) ON DELETE CASCADE,
      refill INTEGER NOT NULL CHECK (refill IN (1, 2, 3)),
      period INTEGER NOT NULL CHECK (period BETWEEN 0 AND 1000000000),
      count INTEGER NOT NULL CHECK (count BETWEEN 0 AND 1000000000000),
      ahead INTEGER NOT NULL CHECK (ahead BETWEEN 0 AND 1000000000000)
    ) STRICT;

    ALTER TABLE digest ADD COLUMN until INTEGER CHECK (until BETWEEN 0 AND 253402300799999999);
    DROP INDEX digest_by_key;
    CREATE INDEX digest_by_key ON digest (key, until);
    CREATE UNIQUE INDEX own_digest ON digest (key) WHERE until IS NULL;
    CREATE INDEX former_digest ON digest (until) WHERE until IS NOT NULL;

    CREATE TABLE attempt (
      uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
      request_id TEXT NOT NULL CHECK (length(request_id) BETWEEN 1 AND 128),
      fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
      key_id TEXT NOT NULL CHECK (length(key_id) = 24),
      time INTEGER NOT NULL CHECK (time BETWEEN 0 AND 253402300799999999),
      PRIMARY KEY (uid, request_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attempt_by_time ON attempt (time);

    ALTER TABLE store ADD COLUMN unaudited INTEGER NOT NULL DEFAULT 0
      CHECK (unaudited BETWEEN 0 AND 4611686018427387904);
    UPDATE store SET unaudited = revision;
    CREATE TABLE audit (
      revision INTEGER PRIMARY KEY CHECK (revision > 0),
      type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 255),
      time INTEGER NOT NULL CHECK (time BETWEEN 0 AND 253402300799999999),
      key_id TEXT NOT NULL CHECK (length(key_id) = 24),
      uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
      user TEXT NOT NULL,
      pid INTEGER NOT NULL CHECK (pid BETWEEN -2147483648 AND 2147483647),
      before TEXT,
      after TEXT,
      hash BLOB NOT NULL CHECK (length(hash) = 32),
      CHECK (before IS NOT NULL OR after IS NOT NULL)
    ) STRICT;
    CREATE INDEX audit_by_time ON audit (time, revision, type);
    CREATE INDEX audit_by_key ON audit (key_id, time, revision, type);
    CREATE INDEX audit_by_user ON audit (user, time, revision, type);
    """

  // - store.is_closed is 1 where the last process that changed anything came to its end in order, which the change that
  //   comes next takes back: only another end makes it worth while to look at every page before the keys are loaded.
  // - audit.secret and audit.grace_until are of changes that give a key a secret (``AuditRow``); NULL in older rows.
  private static let version3 = """
    ALTER TABLE store ADD COLUMN is_closed INTEGER NOT NULL DEFAULT 0 CHECK (is_closed IN (0, 1));
    ALTER TABLE audit ADD COLUMN secret BLOB CHECK (length(secret) = 32);
    ALTER TABLE audit ADD COLUMN grace_until INTEGER CHECK (grace_until BETWEEN 0 AND 253402300799999999);
    """
}

extension Database {
  /// Makes every table of an empty database, within the transaction that is open.
  func create(_ schema: Schema) throws(SQLiteError) {
    for script in schema.migrations { try execute(script) }
    try execute(
      "PRAGMA application_id = \(Schema.applicationID); PRAGMA user_version = \(schema.version)")
  }

  /// Takes the tables from a version to the schema's, one version at a time.
  func migrate(from version: Int, to schema: Schema) throws(SQLiteError) {
    guard version < schema.version else { return }
    for next in version..<schema.version {
      try transaction { () throws(SQLiteError) in
        try execute(schema.migrations[next])
        try execute("PRAGMA user_version = \(next + 1)")
      }
    }
    // The file's own header is what an older keyward looks at first.
    try checkpoint()
  }
}
