// A line handler that asks keyward about keys: the value of an Authorization header a line on standard input, the HTTP
// status that it deserves a line on standard output, as the helpers of proxies work.
//
//   KEYWARD_SOCKET=/run/keyward/keyward.sock chat

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <regex>
#include <string>

#include "keyward/v1/validation_service.grpc.pb.h"

namespace v1 = keyward::v1;

/// The secret of an Authorization header. What is not visible ASCII cannot be one, and keyward need not be asked.
std::optional<std::string> bearer(const std::string& header) {
  static const std::regex form("Bearer +([!-~]{1,512})", std::regex::icase);
  std::smatch match;
  if (header.size() > 1024 || !std::regex_match(header, match, form)) return std::nullopt;
  return match[1];
}

/// The HTTP status for an Authorization header.
int authorize(v1::ValidationService::Stub& validation, const std::string& header) {
  const auto secret = bearer(header);
  if (!secret) return 401;
  v1::ValidateKeyRequest question;
  question.set_secret(*secret);
  question.set_permission(v1::PERMISSION_CHAT);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  v1::ValidateKeyResponse answer;
  if (const auto status = validation.ValidateKey(&context, question, &answer); !status.ok()) {
    // Nobody knows whether the key is good. That is no fault of its holder, so it is not 401.
    std::cerr << "keyward: code " << status.error_code() << ": " << status.error_message() << std::endl;
    return 503;
  }
  switch (answer.verdict()) {
    case v1::VERDICT_VALID:
      return 200;
    case v1::VERDICT_WRONG_PERMISSION:
      return 403;
    case v1::VERDICT_RATE_LIMITED:
    case v1::VERDICT_USAGE_EXCEEDED:
      return 429;
    default:
      return 401;
  }
}

int main() {
  const char* socket = std::getenv("KEYWARD_SOCKET");
  // One channel for the whole process: it is safe for threads, and connects anew by itself. The options make it try
  // again within a second when keyward is back; by default that can take two minutes.
  grpc::ChannelArguments options;
  options.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  options.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  const auto validation = v1::ValidationService::NewStub(grpc::CreateCustomChannel(
      std::string("unix:") + (socket ? socket : "/run/keyward/keyward.sock"), grpc::InsecureChannelCredentials(),
      options));
  for (std::string header; std::getline(std::cin, header);) std::cout << authorize(*validation, header) << std::endl;
}
