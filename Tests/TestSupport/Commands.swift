package import KeywardCore

extension Command {
  package static func create(_ key: CreateKey, by actor: Actor) -> Command {
    Command(ChangeRequest(.create(key)), by: actor)
  }
}
