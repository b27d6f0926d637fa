import CKeywardProto
import CProtobufC
import KeywardCore

/// What `grpc.reflection.v1.ServerReflection` answers, and `v1alpha`, whose messages are the same. All of it follows
/// from the embedded descriptors.
package enum ReflectionMessages {
  /// Answers one request.
  /// - Throws: INVALID_ARGUMENT for one that cannot be decoded.
  package static func answer(_ message: UnsafeRawBufferPointer, in arena: Arena) throws(CallError) -> StreamMessage {
    let request = try arena.unpack(message, grpc__reflection__v1__server_reflection_request__unpack)
    let response = try arena.make(grpc__reflection__v1__server_reflection_response__init)
    response.pointee.valid_host = request.pointee.host
    response.pointee.original_request = request
    do throws(CallError) {
      try fill(&response.pointee, request.pointee, in: arena)
    } catch {
      let made = try arena.make(grpc__reflection__v1__error_response__init)
      made.pointee.error_code = error.code.rawValue
      made.pointee.error_message = try arena.data(error.message)
      response.pointee.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE
      response.pointee.error_response = made
    }
    return try StreamMessage(Message(response))
  }

  private static func fill(
    _ response: inout Grpc__Reflection__V1__ServerReflectionResponse,
    _ request: Grpc__Reflection__V1__ServerReflectionRequest, in arena: Arena
  ) throws(CallError) {
    let descriptors = DescriptorSet.embedded
    switch request.message_request_case {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
      let list = try arena.make(grpc__reflection__v1__list_service_response__init)
      list.pointee.service = try arena.array(descriptors.services) {
        (name: String) throws(CallError) -> UnsafeMutablePointer<Grpc__Reflection__V1__ServiceResponse>? in
        let service = try arena.make(grpc__reflection__v1__service_response__init)
        service.pointee.name = try arena.data(name)
        return service
      }
      list.pointee.n_service = descriptors.services.count
      response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE
      response.list_services_response = list
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
      let name = try request.file_by_filename.text("file_by_filename")
      try tell(descriptors.closure(of: name), of: name, in: &response, arena)
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
      let symbol = try request.file_containing_symbol.text("file_containing_symbol")
      try tell(descriptors.symbols[symbol].map(descriptors.closure) ?? [], of: symbol, in: &response, arena)
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
      let name = try request.all_extension_numbers_of_type.text("all_extension_numbers_of_type")
      guard descriptors.messages.contains(name) else { throw notFound(name) }
      let numbers = try arena.make(grpc__reflection__v1__extension_number_response__init)
      numbers.pointee.base_type_name = try arena.data(name)
      response.message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE
      response.all_extension_numbers_response = numbers
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
      throw CallError(.notFound, "no message here has extensions")
    default: throw CallError(.invalidArgument, "the request asks for nothing that reflection tells")
    }
  }

  private static func tell(
    _ files: [DescriptorSet.File], of name: String, in response: inout Grpc__Reflection__V1__ServerReflectionResponse,
    _ arena: Arena
  ) throws(CallError) {
    guard !files.isEmpty else { throw notFound(name) }
    let told = try arena.make(grpc__reflection__v1__file_descriptor_response__init)
    told.pointee.file_descriptor_proto = try arena.array(files) { (file) throws(CallError) in
      let copy = try arena.allocate(file.bytes.count)
      UnsafeMutableRawBufferPointer(start: copy, count: file.bytes.count).copyBytes(from: file.bytes)
      return ProtobufCBinaryData(len: file.bytes.count, data: copy.assumingMemoryBound(to: UInt8.self))
    }
    told.pointee.n_file_descriptor_proto = files.count
    response.message_response_case =
      GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE
    response.file_descriptor_response = told
  }

  private static func notFound(_ name: String) -> CallError {
    // What a peer makes up is not repeated at any length.
    CallError(.notFound, "\(String(name.unicodeScalars.prefix(128))) is not declared here")
  }
}
