#include "server/handlers/failure_log.h"

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/log/line_limit.h"
#include "base/log/log.h"
#include "google/protobuf/message.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "queue/error.h"
#include "server/wire/guarded_messages.h"
#include "spdlog/spdlog.h"

namespace sheaf::server {
namespace {

using grpc::experimental::InterceptionHookPoints;
using grpc::experimental::InterceptorBatchMethods;
using grpc::experimental::ServerRpcInfo;
using spdlog::level::level_enum;

constexpr size_t kNamedBytesMax = 128;
constexpr std::string_view kPackage = "/sheaf.v1.";

// The things that a request names: field and value.
using Named = std::vector<std::pair<std::string, std::string>>;

// The fields by which requests name things. Secrets and texts of users are not
// among them.
constexpr const char* kNames[] = {
    "name",  "job",    "run",    "batch",      "other",        "plan",
    "queue", "worker", "device", "request_id", "expected_name"};
// The fields in which requests carry a part that names things.
constexpr const char* kParts[] = {"job", "header"};

void AddNames(const google::protobuf::Message& message, Named* named) {
  using Field = google::protobuf::FieldDescriptor;
  const auto* fields = message.GetDescriptor();
  const auto* values = message.GetReflection();
  for (const char* name : kNames) {
    const Field* field = fields->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() ||
        field->cpp_type() != Field::CPPTYPE_STRING) {
      continue;
    }
    const std::string value = values->GetString(message, field);
    if (value.empty()) continue;
    named->emplace_back(name, value.substr(0, kNamedBytesMax));
  }
  for (const char* name : kParts) {
    const Field* field = fields->FindFieldByName(name);
    if (field == nullptr || field->is_repeated() ||
        field->cpp_type() != Field::CPPTYPE_MESSAGE) {
      continue;
    }
    if (values->HasField(message, field)) {
      AddNames(values->GetMessage(message, field), named);
    }
  }
}

using AsMessage = const google::protobuf::Message* (*)(const void*);

// How to read a request that gRPC shows without its type: by the name of its
// type. Null for methods that are none of ours.
AsMessage RequestOf(std::string_view type) {
  static const auto* const kTypes =
      new absl::flat_hash_map<std::string_view, AsMessage>{
#define SHEAF_REQUEST(Name)                                             \
  {#Name, [](const void* message) -> const google::protobuf::Message* { \
     return static_cast<const ::sheaf::v1::Name*>(message);             \
   }},
          SHEAF_GUARDED_MESSAGES(SHEAF_REQUEST)
#undef SHEAF_REQUEST
      };
  const auto found = kTypes->find(type);
  return found == kTypes->end() ? nullptr : found->second;
}

// The reason in the details of a status; "" where it has none.
std::string ReasonIn(const grpc::Status& status) {
  google::rpc::Status wire;
  google::rpc::ErrorInfo info;
  if (!wire.ParseFromString(status.error_details())) return "";
  for (const auto& detail : wire.details()) {
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

level_enum LevelOf(absl::StatusCode code, std::string_view reason) {
  switch (code) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kUnknown:
      return level_enum::err;
    case absl::StatusCode::kUnavailable:
      // Where the server goes down, it says so itself.
      return ReasonNamed(reason) == Reason::kServerStopping ? level_enum::debug
                                                            : level_enum::warn;
    case absl::StatusCode::kResourceExhausted:
      return level_enum::info;
    default:
      return level_enum::debug;
  }
}

struct Failure {
  absl::StatusCode code;
  std::string reason;
  std::string message;
};

class Watcher final : public grpc::experimental::Interceptor {
 public:
  Watcher(LineLimit* limit, ServerRpcInfo* info)
      : limit_(*limit),
        info_(*info),
        method_(info->method()),
        type_(info->type()) {
    if (method_.substr(0, kPackage.size()) != kPackage) return;
    method_.remove_prefix(kPackage.size());
    const std::string_view name = method_.substr(method_.find('/') + 1);
    as_message_ = RequestOf(
        absl::StrCat(absl::string_view(name.data(), name.size()), "Request"));
    answers_singly_ = name == "StreamJobs";
  }

  void Intercept(InterceptorBatchMethods* methods) override {
    using Point = InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_MESSAGE)) {
      Received(methods->GetRecvMessage());
    }
    if (answers_singly_ &&
        methods->QueryInterceptionHookPoint(Point::PRE_SEND_MESSAGE)) {
      Answers(methods->GetSendMessage());
    }
    if (methods->QueryInterceptionHookPoint(Point::PRE_SEND_STATUS)) {
      Ends(methods->GetSendStatus());
    }
    methods->Proceed();
  }

 private:
  // A single request lives as long as the call. Those of a stream come and go:
  // of them the first has the names.
  void Received(const void* message) {
    if (message == nullptr || as_message_ == nullptr) return;
    const google::protobuf::Message* request = as_message_(message);
    if (type_ == ServerRpcInfo::Type::UNARY ||
        type_ == ServerRpcInfo::Type::SERVER_STREAMING) {
      request_ = request;
      return;
    }
    absl::MutexLock lock(&mutex_);
    if (!first_names_) AddNames(*request, &first_names_.emplace());
  }

  void Answers(const void* message) {
    if (message == nullptr) return;
    const auto& answer =
        *static_cast<const sheaf::v1::StreamJobsResponse*>(message);
    if (answer.code() == 0) return;
    Write({static_cast<absl::StatusCode>(answer.code()), answer.reason(),
           answer.message()});
  }

  void Ends(const grpc::Status& status) {
    if (status.ok()) return;
    Write({static_cast<absl::StatusCode>(status.error_code()), ReasonIn(status),
           status.error_message()});
  }

  void Write(const Failure& failure) {
    const level_enum level = LevelOf(failure.code, failure.reason);
    if (!spdlog::default_logger_raw()->should_log(level)) return;
    // Faults of the server are told apart by method, too: no other failure may
    // hide their cause.
    const bool is_fault = level >= level_enum::warn;
    const auto left_out = limit_.Take(
        absl::StrCat(static_cast<int>(failure.code), failure.reason, " ",
                     is_fault
                         ? absl::string_view(method_.data(), method_.size())
                         : absl::string_view()),
        absl::Now());
    if (!left_out) return;
    const Named named = Names();
    const std::string code = absl::StatusCodeToString(failure.code);
    const std::string caller = info_.server_context()->peer();
    std::vector<LogField> fields = {{"method", method_},
                                    {"code", code},
                                    {"reason", failure.reason},
                                    {"caller", caller}};
    for (const auto& [name, value] : named) fields.emplace_back(name, value);
    fields.emplace_back("error", failure.message);
    if (*left_out > 0) fields.emplace_back("left_out", *left_out);
    LogFields(level, "calls", "a call failed", fields);
  }

  Named Names() {
    Named named;
    if (const auto* request = request_.load()) {
      AddNames(*request, &named);
      return named;
    }
    absl::MutexLock lock(&mutex_);
    return first_names_.value_or(Named());
  }

  LineLimit& limit_;
  ServerRpcInfo& info_;
  std::string_view method_;  // "JobService/GetJob"; gRPC's own text
  const ServerRpcInfo::Type type_;
  AsMessage as_message_ = nullptr;
  bool answers_singly_ = false;
  std::atomic<const google::protobuf::Message*> request_ = nullptr;
  absl::Mutex mutex_;
  std::optional<Named> first_names_ ABSL_GUARDED_BY(mutex_);
};

class FailureLog final
    : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      ServerRpcInfo* info) override {
    return new Watcher(&limit_, info);
  }

 private:
  LineLimit limit_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>
MakeFailureLog() {
  return std::make_unique<FailureLog>();
}

}  // namespace sheaf::server
