import KeywardWire

/// What one peer, and all of them, may make the server hold. Counts are of bytes unless they say otherwise.
package struct Limits: Sendable, Equatable {
  /// Connections open at once.
  package var connections = 4096
  /// Those of them that only root and the daemon's own user may have, so that nobody shuts out an operator.
  package var reservedConnections: Int { min(64, connections / 4) }
  /// Connections open at once of one user; root's and the daemon's own user's are not counted.
  package var connectionsPerUser = 1024
  /// Calls of one connection that wait for the store; with so many it is not read from.
  package var callsInFlight = 1024
  /// Calls of one connection with long replies or very many keys that wait; with so many it is not read from.
  package var largeCallsInFlight = 2
  /// Commands and audit questions of all connections that wait for the store, and besides, so many secrets of
  /// validations that do; past it they are refused.
  package var commandsWaiting = 16_384
  /// Imports of more than one call that are under way at once; one user has one at most.
  package var uploads = 8
  /// Keys that all of them hold, some 200 bytes each.
  package var uploadedKeys = 2_000_000
  /// Seconds that an upload is kept after its last portion.
  package var uploadSeconds = 60.0
  /// Replies that a connection has not taken yet; with so many it is not read from. One reply may go beyond.
  package var unsentOutput = 256 * 1024
  /// The same for a peer that holds no right, whose replies are all small.
  package var unsentOutputWithoutRights = 16 * 1024
  /// Bytes of a frame that is too long that are read past to keep the connection.
  package var discardedInput = 4 * FrameHeader.maxDataByteCount
  /// Memory of one reactor for what has come of unfinished frames, beyond ``smallFrame`` of each.
  package var largeFrames = 32 * 1024 * 1024
  /// A frame up to this long is always taken; a longer one only of a peer that holds a right.
  package var smallFrame = 64 * 1024
  /// Seconds that a frame may take from its first byte to its last.
  package var frameSeconds = 30.0
  /// Seconds between two pieces of a gRPC request that is refused, before it is answered, and then reset.
  package var lingerSeconds = 0.25
  /// Seconds that a peer may take none of its replies, though they wait.
  package var stallSeconds = 60.0
  /// Whether gRPC is spoken besides ttrpc. What follows is of gRPC alone.
  package var speaksGRPC = true
  /// Calls of one connection that are not over.
  package var streamsPerConnection = 256
  /// The same for a peer that holds no right.
  package var streamsWithoutRights = 16
  /// Header fields of one request, and their bytes as HTTP/2 counts them: 32 more for each field.
  package var headerCount = 64
  package var headerBytes = 16 * 1024
  /// Bytes of one message.
  package var messageBytes = GRPCPrefix.maxMessageByteCount
  /// Streams of one connection that are reset each second, by the peer, and because of what it sent.
  package var resetsPerSecond = 100
  /// Frames of one connection each second that bring nothing of a call: PING, SETTINGS, empty DATA. Each answered call, and
  /// each message of a stream of replies, lets more of them through.
  package var controlFramesPerSecond = 100
  /// Bytes that one stream of replies keeps for a peer that does not take them, and all of one connection.
  package var streamedBytes = 256 * 1024
  package var streamedBytesPerConnection = 1024 * 1024
  /// Watches under way at once, in all and of one user; root's and the daemon's own user's are not limited.
  package var watchers = 1024
  package var watchersPerUser = 256
  /// Changes that one who watches may be behind, since it began, before its stream is ended.
  package var watchBacklog = 100_000
  /// Seconds from a connection's first byte until its handshake is over.
  package var handshakeSeconds = 10.0
  /// Seconds without a call after which a connection is told to end; 0 for never.
  package var idleSeconds = 3600.0
  /// Seconds of silence after which the peer is asked whether it is there, and seconds that it has to answer; 0 for never.
  package var keepaliveSeconds = 120.0
  package var keepaliveTimeoutSeconds = 20.0
  /// For so many seconds' worth at once, what is limited by the second may come.
  static let burstSeconds = 10
  /// Seconds that calls in flight have to end when the server stops.
  package var drainSeconds = 10

  package init() {}
}
