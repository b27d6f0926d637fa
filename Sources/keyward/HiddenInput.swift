import CommandSupport
import Glibc

/// Reading from a terminal what should not stand on it.
enum HiddenInput {
  private static let endingSignals = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]

  /// The terminal as it was, for the signal handler, which can be given nothing.
  ///
  /// Unsafe because written only while no handler that reads it is installed; the process has one thread.
  nonisolated(unsafe) private static var saved: (descriptor: Int32, attributes: termios) = (-1, termios())

  /// Runs `body`, which reads a line; where the descriptor is a terminal, asks for the line first and shows nothing
  /// of it. A signal that ends the process does not leave the terminal mute.
  static func reading<Result, Failure: Error>(
    _ descriptor: Int32, prompt: String, _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var shown = termios()
    guard isatty(descriptor) == 1, tcgetattr(descriptor, &shown) == 0 else { return try body() }
    saved = (descriptor, shown)
    for number in endingSignals {
      // tcsetattr, signal and raise may all be called in a handler (signal-safety(7)).
      signal(number) { number in
        tcsetattr(HiddenInput.saved.descriptor, TCSAFLUSH, &HiddenInput.saved.attributes)
        signal(number, SIG_DFL)
        raise(number)
      }
    }
    var mute = shown
    mute.c_lflag &= ~tcflag_t(ECHO)
    writeToStandardError(prompt)
    tcsetattr(descriptor, TCSAFLUSH, &mute)
    defer {
      tcsetattr(descriptor, TCSAFLUSH, &shown)
      for number in endingSignals { signal(number, SIG_DFL) }
      writeToStandardError("\n")
    }
    return try body()
  }
}
