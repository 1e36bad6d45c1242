#include "server/liveness/self_call.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/resource.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/admission/listeners.h"
#include "tests/server/liveness/health_server.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kShort = absl::Milliseconds(200);
constexpr absl::Duration kLong = absl::Seconds(30);

TEST(SelfCallTest, IsAnsweredAtEitherKindOfAddress) {
  for (const std::string& asked :
       {std::string("127.0.0.1:0"), SocketAddress("answers")}) {
    const HealthServer server(asked);
    EXPECT_EQ(CallSelf(server.address(), kLong), absl::OkStatus()) << asked;
  }
}

TEST(SelfCallTest, AServerThatDoesNotServeAnswersToo) {
  const HealthServer server("127.0.0.1:0");
  server.SetServing(false);
  EXPECT_EQ(CallSelf(server.address(), kLong), absl::OkStatus());
}

TEST(SelfCallTest, WhereNobodyListensThereIsNoAnswer) {
  for (const std::string& address :
       {SocketAddress("nobody"), std::string("127.0.0.1:1")}) {
    const absl::Status status = CallSelf(address, kLong);
    EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
    EXPECT_THAT(std::string(status.message()), StartsWith("cannot connect: "));
  }
  EXPECT_TRUE(absl::IsDeadlineExceeded(CallSelf("no address", kLong)));
}

TEST(SelfCallTest, AListenerThatAcceptsNobodyDoesNotAnswer) {
  const auto listeners = Listeners::Open({"127.0.0.1:0"}, 0600);
  ASSERT_TRUE(listeners.ok()) << listeners.status();
  const absl::Status status =
      CallSelf((*listeners)->addresses().front(), kShort);
  EXPECT_TRUE(absl::IsDeadlineExceeded(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("connected, but not answered"));
}

TEST(SelfCallTest, AShortageOfDescriptorsIsNoSilenceOfTheServer) {
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status status = CallSelf("unix:/nowhere", kLong);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
}

}  // namespace
}  // namespace sheaf::server
