#include "server/wire/wire_status.h"

#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// The one detail of its type; a default one if there is none.
template <class Detail>
Detail DetailOf(const google::rpc::Status& wire, int count = 1) {
  Detail found;
  int seen = 0;
  for (const auto& any : wire.details()) {
    if (any.Is<Detail>()) ++seen, any.UnpackTo(&found);
  }
  EXPECT_EQ(seen, count) << wire.ShortDebugString();
  return found;
}

TEST(WireStatusTest, OkIsOk) {
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
  EXPECT_EQ(ToRpcStatus(absl::OkStatus()).code(), 0);
}

TEST(WireStatusTest, EveryReasonGivesItsCodeAndOneErrorInfo) {
  for (const ReasonInfo& info : Reasons()) {
    const auto wire = ToRpcStatus(Error(info.reason, "said"));
    EXPECT_EQ(wire.code(), static_cast<int>(info.code)) << info.name;
    EXPECT_EQ(wire.message(), "said");
    const auto detail = DetailOf<google::rpc::ErrorInfo>(wire);
    EXPECT_EQ(detail.reason(), std::string(info.name));
    EXPECT_EQ(detail.domain(), "sheaf");
  }
}

TEST(WireStatusTest, GrpcStatusCarriesTheSameInItsDetails) {
  const absl::Status status = Error(Reason::kJobNotFound, "jobs/7 is not here");
  const grpc::Status wire = ToGrpcStatus(status);
  EXPECT_EQ(wire.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(wire.error_message(), "jobs/7 is not here");
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  EXPECT_EQ(details.SerializeAsString(),
            ToRpcStatus(status).SerializeAsString());
}

TEST(WireStatusTest, StatusWithoutReasonLeaksNothing) {
  const auto wire =
      ToRpcStatus(absl::DataLossError("SELECT secret FROM /var/lib/x.db"));
  EXPECT_EQ(wire.code(), static_cast<int>(absl::StatusCode::kInternal));
  EXPECT_THAT(wire.message(), Not(HasSubstr("secret")));
  EXPECT_THAT(wire.SerializeAsString(), Not(HasSubstr("secret")));
  EXPECT_EQ(DetailOf<google::rpc::ErrorInfo>(wire).reason(), "INTERNAL");
}

TEST(WireStatusTest, AllViolationsAreInOneBadRequest) {
  const auto wire = ToRpcStatus(
      InvalidArgument({{"job.kind", "is too long"}, {"job.owner", "is bad"}}));
  const auto bad = DetailOf<google::rpc::BadRequest>(wire);
  ASSERT_EQ(bad.field_violations_size(), 2);
  EXPECT_EQ(bad.field_violations(1).field(), "job.owner");
  EXPECT_EQ(bad.field_violations(1).description(), "is bad");
  DetailOf<google::rpc::RetryInfo>(wire, 0);
}

TEST(WireStatusTest, WrongMomentNamesTypeAndSubject) {
  const auto wire = ToRpcStatus(WithSubject(
      Error(Reason::kQueueDraining, "queue art is draining"), "queues/art"));
  const auto failure = DetailOf<google::rpc::PreconditionFailure>(wire);
  ASSERT_EQ(failure.violations_size(), 1);
  EXPECT_EQ(failure.violations(0).type(), "QUEUE_DRAINING");
  EXPECT_EQ(failure.violations(0).subject(), "queues/art");
}

TEST(WireStatusTest, LostRaceTellsTheCurrentEtag) {
  const auto wire = ToRpcStatus(
      WithMetadata(Error(Reason::kEtagMismatch, "stale"), "currentEtag", "8"));
  EXPECT_THAT(DetailOf<google::rpc::ErrorInfo>(wire).metadata(),
              UnorderedElementsAre(Pair("currentEtag", "8")));
  EXPECT_EQ(DetailOf<google::rpc::PreconditionFailure>(wire).violations_size(),
            1);
}

TEST(WireStatusTest, FullQueueSaysWhichQuotaAndWhenToAskAgain) {
  const auto wire = ToRpcStatus(WithRetryAfter(
      WithSubject(Error(Reason::kQueueFull, "full"), "queues/art"),
      absl::Milliseconds(2500)));
  EXPECT_EQ(DetailOf<google::rpc::QuotaFailure>(wire).violations(0).subject(),
            "queues/art");
  const auto retry = DetailOf<google::rpc::RetryInfo>(wire);
  EXPECT_EQ(retry.retry_delay().seconds(), 2);
  EXPECT_EQ(retry.retry_delay().nanos(), 500'000'000);
}

TEST(WireStatusTest, UnavailableIsAlwaysToBeAskedAgain) {
  const auto wire = ToRpcStatus(Error(Reason::kServerStopping, "bye"));
  EXPECT_EQ(DetailOf<google::rpc::RetryInfo>(wire).retry_delay().seconds(), 1);
}

// A client's default limit of all trailers together is 8 KiB.
TEST(WireStatusTest, LargestErrorFitsInTrailers) {
  const std::string umlauts = [] {
    std::string text = "x";
    for (int i = 0; i < 1000; ++i) text += "\xc3\xbc";
    return text;
  }();
  absl::Status status = InvalidArgument(
      Violations(100, Violation{umlauts, "must be shorter, " + umlauts}));
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    status = WithMetadata(status, key, umlauts);
  }
  status = WithRetryAfter(WithSubject(status, umlauts), absl::Seconds(1));
  const grpc::Status wire = ToGrpcStatus(status);
  const size_t bytes =
      wire.error_message().size() * 3 + (wire.error_details().size() * 4) / 3;
  EXPECT_LT(bytes, 7500u);
  google::rpc::Status details;
  ASSERT_TRUE(details.ParseFromString(wire.error_details()));
  const auto info = DetailOf<google::rpc::ErrorInfo>(details);
  EXPECT_EQ(info.metadata().at("violationCount"), "100");
  EXPECT_GT(DetailOf<google::rpc::BadRequest>(details).field_violations_size(),
            3);
}

}  // namespace
}  // namespace sheaf::server
