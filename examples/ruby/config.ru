# frozen_string_literal: true

# A chat service, as a Rack application, that asks keyward about the key of every request. KEYWARD_SOCKET says where
# keyward is.

require "grpc"
require "keyward/v1/validation_service_services_pb"

class Chat
  # What is not visible ASCII cannot be a bearer's secret, and keyward need not be asked.
  BEARER = /\ABearer +([!-~]+)\z/i
  STATUS = {VERDICT_VALID: 200, VERDICT_WRONG_PERMISSION: 403, VERDICT_RATE_LIMITED: 429, VERDICT_USAGE_EXCEEDED: 429}

  # One stub for the whole process, made after any fork: it is safe for threads, and connects anew by itself. The
  # options make it try again within a second when keyward is back; by default that can take two minutes.
  def initialize(socket)
    @validation = Keyward::V1::ValidationService::Stub.new(
      "unix:#{socket}", :this_channel_is_insecure, timeout: 1,
      channel_args: {"grpc.initial_reconnect_backoff_ms" => 100, "grpc.max_reconnect_backoff_ms" => 1000}
    )
  end

  def call(env)
    status, name = authorize(env["HTTP_AUTHORIZATION"].to_s.b)
    headers = {"Content-Type" => "text/plain"}
    headers["WWW-Authenticate"] = "Bearer" if status == 401
    [status, headers, status == 200 ? ["hello, #{name}\n"] : []]
  end

  private

  # The HTTP status for an Authorization header, and the name of the key where that is 200.
  def authorize(header)
    secret = header[BEARER, 1] or return 401
    answer = @validation.validate_key(
      Keyward::V1::ValidateKeyRequest.new(secret: secret.encode("UTF-8"), permission: :PERMISSION_CHAT)
    )
    [STATUS.fetch(answer.verdict, 401), answer.name]
  rescue GRPC::BadStatus => error
    # Nobody knows whether the key is good. That is no fault of its holder, so it is not 401.
    warn "keyward: #{error.class.name}: #{error.details}"
    503
  end
end

run Chat.new(ENV.fetch("KEYWARD_SOCKET", "/run/keyward/keyward.sock"))
