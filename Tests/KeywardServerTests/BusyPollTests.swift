import Testing

@testable import KeywardServer

@Suite struct BusyPollTests {
  @Test("Nothing is polled before a request, and nothing when its time is over")
  func time() {
    var poll = BusyPoll(nanoseconds: 50)
    #expect(poll.isOn && !poll.goesOn(at: 0))
    poll.noteRequest(at: 1000)
    #expect(poll.goesOn(at: 1000) && poll.goesOn(at: 1049))
    #expect(!poll.goesOn(at: 1050))
    poll.noteRequest(at: 1040)
    #expect(poll.goesOn(at: 1089) && !poll.goesOn(at: 1090))
  }

  @Test("Where it is off, a request begins no polling")
  func off() {
    var poll = BusyPoll(nanoseconds: 0)
    poll.noteRequest(at: 1000)
    #expect(!poll.isOn && !poll.goesOn(at: 1000))
  }
}
