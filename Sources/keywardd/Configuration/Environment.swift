import Glibc

/// The environment variables that the daemon looks at, and their values.
func configurationEnvironment() -> [String: String] {
  let names = ["KEYWARD_CONFIG", "KEYWARD_SOCKET", "KEYWARD_DATABASE", "KEYWARD_LOG_LEVEL", "STATE_DIRECTORY"]
  return names.reduce(into: [:]) { values, name in
    if let value = getenv(name) { values[name] = String(cString: value) }
  }
}
