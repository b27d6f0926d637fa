import CKeywardProto
import KeywardCore

extension ChangeType {
  init?(_ message: Keyward__V1__ChangeType) {
    guard let type = UInt8(exactly: message.rawValue).flatMap(ChangeType.init(rawValue:)) else { return nil }
    self = type
  }

  var message: Keyward__V1__ChangeType { Keyward__V1__ChangeType(rawValue: UInt32(rawValue)) }
}
