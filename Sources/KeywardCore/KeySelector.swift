/// What names one key.
public enum KeySelector: Sendable, Hashable {
  case id(KeyID)
  /// The exact name; only keys that are not deleted have one.
  case name(KeyName)
}
