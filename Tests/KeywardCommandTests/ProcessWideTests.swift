import Testing

/// Tests that change or depend on what belongs to the whole process, its environment and its time zone: one at a time.
@Suite("Process-wide", .serialized)
struct ProcessWideTests {}
