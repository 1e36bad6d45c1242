#include "server/wire/wire_status.h"

#include <string>
#include <string_view>

#include "base/log/line_limit.h"
#include "base/log/log.h"
#include "base/retry.h"
#include "google/rpc/error_details.pb.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

// Base64 adds a third to details, and percent-encoding triples the bytes of a
// message that are not ASCII. The message is sent twice. With these limits, all
// of it stays below 8 KiB.
constexpr size_t kMessageBytesMax = 512;
constexpr size_t kParticularBytesMax = 200;
constexpr size_t kViolationsBytesMax = 2400;
constexpr int kMetadataMax = 4;

// At most `max` bytes, not ending within a character.
std::string Cut(std::string_view text, size_t max) {
  if (text.size() <= max) return std::string(text);
  size_t end = max - 3;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "...";
}

template <class Detail>
void Add(const Detail& detail, google::rpc::Status& wire) {
  wire.add_details()->PackFrom(detail);
}

google::rpc::BadRequest ToBadRequest(const Violations& violations) {
  google::rpc::BadRequest bad;
  size_t bytes = 0;
  for (const Violation& violation : violations) {
    const std::string field = Cut(violation.field, kParticularBytesMax);
    const std::string text = Cut(violation.description, kParticularBytesMax);
    bytes += field.size() + text.size() + 8;  // and the tags
    if (bytes > kViolationsBytesMax) break;
    auto* wire = bad.add_field_violations();
    wire->set_field(field);
    wire->set_description(text);
  }
  return bad;
}

google::rpc::ErrorInfo ToErrorInfo(const absl::Status& status,
                                   std::string_view reason) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain("sheaf");
  for (const auto& [key, value] : MetadataOf(status)) {
    if (info.metadata_size() == kMetadataMax) break;
    (*info.mutable_metadata())[Cut(key, 64)] = Cut(value, kParticularBytesMax);
  }
  return info;
}

google::rpc::RetryInfo ToRetryInfo(absl::Duration delay) {
  google::rpc::RetryInfo retry;
  const int64_t seconds = absl::IDivDuration(delay, absl::Seconds(1), &delay);
  retry.mutable_retry_delay()->set_seconds(seconds);
  retry.mutable_retry_delay()->set_nanos(absl::ToInt64Nanoseconds(delay));
  return retry;
}

// Adds the details that fit the code, besides ErrorInfo and BadRequest.
void AddByCode(const absl::Status& status, std::string_view reason,
               google::rpc::Status& wire) {
  const absl::StatusCode code = status.code();
  const std::string subject = Cut(SubjectOf(status), kParticularBytesMax);
  const std::string text =
      Cut(InfoOf(*ReasonOf(status)).advice, kParticularBytesMax);
  const bool quota = code == absl::StatusCode::kResourceExhausted;
  if (code == absl::StatusCode::kFailedPrecondition ||
      code == absl::StatusCode::kAborted) {
    google::rpc::PreconditionFailure failure;
    auto* violation = failure.add_violations();
    violation->set_type(std::string(reason));
    violation->set_subject(subject);
    violation->set_description(text);
    Add(failure, wire);
  }
  if (quota) {
    google::rpc::QuotaFailure failure;
    auto* violation = failure.add_violations();
    violation->set_subject(subject);
    violation->set_description(text);
    Add(failure, wire);
  }
  std::optional<absl::Duration> delay = RetryAfterOf(status);
  const PassingCode* passing = FindPassing(code);
  if (!delay && passing != nullptr && passing->says_when) {
    delay = absl::Seconds(1);
  }
  if (delay) Add(ToRetryInfo(*delay), wire);
}

// Nobody after this sees the text of an error that has no reason.
void LogDropped(const absl::Status& status) {
  static LineLimit* const limit = new LineLimit;
  const std::string code = absl::StatusCodeToString(status.code());
  const auto left_out = limit->Take(code, absl::Now());
  if (!left_out) return;
  Log(spdlog::level::err, "calls", "an error without a reason",
      {{"code", code}, {"message", status.message()}, {"left_out", *left_out}});
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status wire;
  if (status.ok()) return wire;
  const std::optional<Reason> reason = ReasonOf(status);
  if (!reason) {
    LogDropped(status);
    return ToRpcStatus(
        Error(Reason::kInternal, InfoOf(Reason::kInternal).advice));
  }
  const std::string_view name = InfoOf(*reason).name;
  wire.set_code(static_cast<int>(status.code()));
  wire.set_message(Cut(std::string(status.message()), kMessageBytesMax));
  google::rpc::ErrorInfo info = ToErrorInfo(status, name);
  const Violations violations = ViolationsOf(status);
  const google::rpc::BadRequest bad = ToBadRequest(violations);
  const int count = static_cast<int>(violations.size());
  if (bad.field_violations_size() < count) {
    (*info.mutable_metadata())["violationCount"] = std::to_string(count);
  }
  Add(info, wire);
  if (count > 0) Add(bad, wire);
  AddByCode(status, name, wire);
  return wire;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status wire = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(wire.code()),
                      wire.message(), wire.SerializeAsString());
}

}  // namespace sheaf::server
