#include "server/liveness/service_manager.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace sheaf::server {
namespace {

// A manager that listens at an abstract name.
class ServiceManagerTest : public testing::Test {
 protected:
  ServiceManagerTest()
      : name_("@sheaf-test-" + std::to_string(getpid())),
        fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address = {.sun_family = AF_UNIX};
    std::memcpy(address.sun_path + 1, name_.data() + 1, name_.size() - 1);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address),
                   offsetof(sockaddr_un, sun_path) + name_.size()),
              0);
  }
  ~ServiceManagerTest() override { close(fd_); }

  std::string Heard() {
    char text[100];
    const ssize_t size = recv(fd_, text, sizeof(text), 0);
    return size < 0 ? "(nothing)" : std::string(text, size);
  }

  const std::string name_;
  const int fd_;
};

TEST_F(ServiceManagerTest, HearsThatTheServerIsReadyAliveAndStops) {
  const ServiceManager manager(name_, /*wants_watchdog=*/true);
  manager.Ready();
  EXPECT_EQ(Heard(), "READY=1");
  manager.Alive();
  EXPECT_EQ(Heard(), "WATCHDOG=1");
  manager.Stopping();
  EXPECT_EQ(Heard(), "STOPPING=1");
}

TEST_F(ServiceManagerTest, WithoutAWatchdogNobodyHearsThatTheServerIsAlive) {
  ServiceManager(name_, /*wants_watchdog=*/false).Alive();
  EXPECT_EQ(Heard(), "(nothing)");
}

TEST(ServiceManagerAloneTest, WithoutAManagerNothingHappens) {
  ServiceManager("", true).Ready();
  ServiceManager("/nonexistent/socket", true).Ready();
}

}  // namespace
}  // namespace sheaf::server
