/// The version of keyward, the same for the daemon and the client.
public let version = "0.1.0"
