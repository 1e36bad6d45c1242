#include "server/handlers/unknown_methods.h"

#include <grpcpp/generic/generic_stub.h>

#include <string>
#include <utility>

#include "absl/synchronization/notification.h"
#include "tests/server/handlers/running_server.h"

namespace sheaf::server {
namespace {

class UnknownMethodsTest : public RunningServer {
 protected:
  grpc::Status Ask(const std::string& method) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() +
                         std::chrono::seconds(30));
    const grpc::Slice empty;
    const grpc::ByteBuffer nothing(&empty, 1);
    grpc::ByteBuffer answer;
    grpc::Status status;
    absl::Notification done;
    stub.UnaryCall(&context, method, {}, &nothing, &answer,
                   [&](grpc::Status got) {
                     status = std::move(got);
                     done.Notify();
                   });
    done.WaitForNotification();
    return status;
  }
};

TEST_F(UnknownMethodsTest, AMethodThatIsNotThereIsNamedAndHasAReason) {
  Start();
  const grpc::Status status = Ask("/sheaf.v1.JobService/Nope");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(ReasonOf(status), "METHOD_NOT_FOUND");
  EXPECT_THAT(status.error_message(),
              ::testing::HasSubstr(
                  "there is no method /sheaf.v1.JobService/Nope in Sheaf"));
  EXPECT_EQ(ReasonOf(Ask("/other.Service/Do")), "METHOD_NOT_FOUND");
}

TEST_F(UnknownMethodsTest, ALongNameIsCut) {
  Start();
  const grpc::Status status = Ask("/x/" + std::string(4000, 'y'));
  EXPECT_EQ(ReasonOf(status), "METHOD_NOT_FOUND");
  EXPECT_LT(status.error_message().size(), 300u);
}

TEST_F(UnknownMethodsTest, ServicesOfGrpcAreThereStill) {
  Start();
  EXPECT_TRUE(Ask("/grpc.health.v1.Health/Check").ok());
}

}  // namespace
}  // namespace sheaf::server
