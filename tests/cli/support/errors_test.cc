#include "cli/support/errors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sheaf::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

struct CodeCase {
  absl::StatusCode code;
  int exit;
};

TEST(ErrorsTest, EveryStatusCodeHasItsExitCode) {
  using Code = absl::StatusCode;
  const CodeCase kCases[] = {
      {Code::kOk, 0},
      {Code::kCancelled, 1},
      {Code::kUnknown, 1},
      {Code::kInvalidArgument, 2},
      {Code::kDeadlineExceeded, 6},
      {Code::kNotFound, 3},
      {Code::kAlreadyExists, 4},
      {Code::kPermissionDenied, 5},
      {Code::kResourceExhausted, 7},
      {Code::kFailedPrecondition, 4},
      {Code::kAborted, 4},
      {Code::kOutOfRange, 2},
      {Code::kUnimplemented, 1},
      {Code::kInternal, 1},
      {Code::kUnavailable, 6},
      {Code::kDataLoss, 1},
      {Code::kUnauthenticated, 5},
  };
  EXPECT_EQ(std::size(kCases), 17u);
  for (const CodeCase& test : kCases) {
    EXPECT_EQ(ExitCodeOf(absl::Status(test.code, "x")), test.exit)
        << absl::StatusCodeToString(test.code);
  }
}

TEST(ErrorsTest, ExitCodeThatWasSetWins) {
  EXPECT_EQ(
      ExitCodeOf(WithExitCode(absl::UnknownError("failed"), kExitJobFailed)),
      8);
}

TEST(ErrorsTest, ExitCodesAreThoseOfTheManual) {
  std::vector<int> codes;
  for (const ExitCodeText& exit : ExitCodes()) codes.push_back(exit.code);
  EXPECT_THAT(codes, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 130));
}

absl::Status RichStatus() {
  google::rpc::Status details;
  google::rpc::ErrorInfo info;
  info.set_reason("INVALID_FIELD");
  (*info.mutable_metadata())["limit"] = "16";
  details.add_details()->PackFrom(info);
  google::rpc::BadRequest bad;
  for (const char* field : {"job.priority", "job.runs[3].steps"}) {
    auto* violation = bad.add_field_violations();
    violation->set_field(field);
    violation->set_description("is wrong \033[31m");
  }
  details.add_details()->PackFrom(bad);
  google::rpc::RetryInfo retry;
  retry.mutable_retry_delay()->set_seconds(1);
  retry.mutable_retry_delay()->set_nanos(500000000);
  details.add_details()->PackFrom(retry);
  return StatusFromWire(3, "two fields are wrong", details.SerializeAsString());
}

TEST(ErrorsTest, ExplanationNamesReasonEveryViolationAndRetryHint) {
  const std::string text = Explain(RichStatus(), "");
  EXPECT_THAT(text, HasSubstr("two fields are wrong (INVALID_FIELD)\n"));
  EXPECT_THAT(text, HasSubstr("\n  job.priority: is wrong"));
  EXPECT_THAT(text, HasSubstr("\n  job.runs[3].steps: is wrong"));
  EXPECT_THAT(text, HasSubstr("\n  try again in 1.5 s"));
  EXPECT_EQ(ReasonOf(RichStatus()), "INVALID_FIELD");
}

TEST(ErrorsTest, ServerCannotSteerTheTerminal) {
  EXPECT_THAT(Explain(RichStatus(), ""), Not(HasSubstr("\033")));
}

TEST(ErrorsTest, ProgramsGetAnObject) {
  EXPECT_EQ(
      ErrorJson(RichStatus(), ""),
      R"({"exitCode":2,"code":"INVALID_ARGUMENT",)"
      R"("message":"two fields are wrong","reason":"INVALID_FIELD",)"
      R"("metadata":{"limit":"16"},"violations":[)"
      R"({"subject":"job.priority","description":"is wrong \u001b[31m"},)"
      R"({"subject":"job.runs[3].steps","description":"is wrong \u001b[31m"}],)"
      R"("retryDelay":"1.5s"})");
  EXPECT_EQ(ErrorJson(absl::UnavailableError("refused"), "host:1"),
            R"({"exitCode":6,"code":"UNAVAILABLE","message":"refused",)"
            R"("help":"is sheafd running at host:1? 'sheaf doctor' looks for )"
            R"(the cause"})");
}

TEST(ErrorsTest, BrokenDetailsAreLeftOut) {
  EXPECT_EQ(Explain(StatusFromWire(5, "no such job", "\xff\xff"), ""),
            "no such job");
}

TEST(ErrorsTest, UnreachableServerLeadsToTheDoctor) {
  EXPECT_THAT(Explain(absl::UnavailableError("refused"), "host:1"),
              HasSubstr("is sheafd running at host:1? 'sheaf doctor'"));
}

}  // namespace
}  // namespace sheaf::cli
