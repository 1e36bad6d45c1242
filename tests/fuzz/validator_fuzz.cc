// Any bytes, read as a SubmitJobRequest in either encoding: checking it does
// not crash, and what is wrong with it can be told on the wire.
#include <google/protobuf/util/json_util.h>

#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "server/wire/validator.h"
#include "server/wire/wire_status.h"
#include "sheaf/v1/job_service.pb.h"

namespace {

void Check(const sheaf::v1::SubmitJobRequest& request) {
  sheaf::Violations violations = sheaf::server::Validate(request);
  SHEAF_CHECK(violations.size() <= sheaf::server::kViolationsMax);
  for (const sheaf::Violation& violation : violations) {
    SHEAF_CHECK(sheaf::IsValidUtf8(violation.field));
    SHEAF_CHECK(sheaf::IsValidUtf8(violation.description));
  }
  if (violations.empty()) return;
  const grpc::Status wire = sheaf::server::ToGrpcStatus(
      sheaf::InvalidArgument(std::move(violations)));
  SHEAF_CHECK(wire.error_details().size() < 6000);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sheaf::v1::SubmitJobRequest request;
  if (request.ParseFromArray(data, static_cast<int>(size))) Check(request);
  const std::string text(reinterpret_cast<const char*>(data), size);
  sheaf::v1::SubmitJobRequest from_json;
  if (google::protobuf::util::JsonStringToMessage(text, &from_json).ok()) {
    Check(from_json);
  }
  return 0;
}
