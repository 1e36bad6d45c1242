#include "server/handlers/unknown_methods.h"

#include "absl/strings/str_cat.h"
#include "base/version.h"
#include "queue/error.h"
#include "server/wire/wire_status.h"

namespace sheaf::server {
namespace {

// Method names are as long as their callers like.
constexpr size_t kNameShown = 200;

class Refusal final : public grpc::ServerGenericBidiReactor {
 public:
  explicit Refusal(const std::string& method) {
    Finish(ToGrpcStatus(
        Error(Reason::kMethodNotFound,
              absl::StrCat("there is no method ", method.substr(0, kNameShown),
                           " in Sheaf ", kVersion))));
  }
  void OnDone() override { delete this; }
};

}  // namespace

grpc::ServerGenericBidiReactor* UnknownMethods::CreateReactor(
    grpc::GenericCallbackServerContext* context) {
  return new Refusal(context->method());
}

}  // namespace sheaf::server
