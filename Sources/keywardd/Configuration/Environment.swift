import CommandSupport

/// The environment variables that the daemon looks at, and their values.
func configurationEnvironment() throws(ConfigurationError) -> [String: String] {
  let names = ["KEYWARD_CONFIG", "KEYWARD_SOCKET", "KEYWARD_DATABASE", "KEYWARD_LOG_LEVEL", "STATE_DIRECTORY"]
  var values: [String: String] = [:]
  for name in names {
    switch EnvironmentValue(name) {
    case .absent: break
    case .text(let text): values[name] = text
    case .notUTF8: throw ConfigurationError(name, "is not UTF-8: give text in UTF-8")
    }
  }
  return values
}
