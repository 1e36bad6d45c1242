#include "server/admission/accept_loop.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "base/log/log.h"
#include "server/admission/listeners.h"

namespace sheaf::server {
namespace {

using testing::HasSubstr;

// A loop that keeps what it accepts, or closes it at once.
class AcceptLoopTest : public testing::Test {
 protected:
  void Start(ConnectionLimits limits) {
    auto sockets = Listeners::Open({"127.0.0.1:0"}, 0600);
    ASSERT_TRUE(sockets.ok()) << sockets.status();
    sockets_ = *std::move(sockets);
    const std::string& address = sockets_->addresses().front();
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
    loop_ = std::make_unique<AcceptLoop>(sockets_->sockets(), limits,
                                         [this](int, int fd) {
                                           absl::MutexLock lock(&mutex_);
                                           taken_.push_back(fd);
                                         });
    loop_->Start();
  }
  ~AcceptLoopTest() override {
    loop_.reset();
    for (const int fd : taken_) close(fd);
  }

  // The client's end of a new connection; -1 without a descriptor.
  int Connect() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
    return fd;
  }
  void AwaitTaken(size_t count) {
    absl::MutexLock lock(&mutex_);
    const auto there = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
      return taken_.size() >= count;
    };
    ASSERT_TRUE(
        mutex_.AwaitWithTimeout(absl::Condition(&there), absl::Seconds(30)));
  }
  static bool IsClosedByServer(int fd) {
    pollfd watched = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&watched, 1, 30'000) == 1 && read(fd, &byte, 1) <= 0;
  }

  std::unique_ptr<Listeners> sockets_;
  std::unique_ptr<AcceptLoop> loop_;
  int port_ = 0;
  absl::Mutex mutex_;
  std::vector<int> taken_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(AcceptLoopTest, ConnectionsBeyondTheLimitAreClosedAndNoted) {
  Start({.per_local_user = 2});
  const int a = Connect();
  const int b = Connect();
  AwaitTaken(2);
  EXPECT_EQ(loop_->Note(), "");
  const int c = Connect();
  EXPECT_TRUE(IsClosedByServer(c));
  EXPECT_EQ(loop_->accepted(), 3);
  EXPECT_THAT(loop_->Note(), HasSubstr("loopback has 2"));
  for (const int fd : {a, b, c}) close(fd);
}

TEST_F(AcceptLoopTest, RunningOutOfDescriptorsIsNoEnd) {
  Start({});
  // Open the clients first: their descriptors are ours, too.
  std::vector<int> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  // A sanitizer needs a pipe to look at an object whose class is new to it, and
  // there will be no descriptor for one: show it the logger now.
  Log(spdlog::level::warn, "test", "descriptors run out");
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
  rlimit low = before;
  low.rlim_cur = probe + 4;  // three more, and that of the probe
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  close(probe);
  sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port_)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (const int fd : clients) {
    EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address),
                      sizeof(address)),
              0);
  }
  AwaitTaken(4);
  const bool closed = IsClosedByServer(clients.back());
  const std::string note = loop_->Note();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(closed);
  EXPECT_THAT(note, HasSubstr("no file descriptor is free"));
  for (const int fd : clients) close(fd);
  const int again = Connect();
  AwaitTaken(5);
  close(again);
}

}  // namespace
}  // namespace sheaf::server
