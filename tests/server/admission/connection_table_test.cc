#include "server/admission/connection_table.h"

#include <gtest/gtest.h>

#include <map>

namespace sheaf::server {
namespace {

using Verdict = ConnectionTable::Verdict;
using std::chrono::seconds;

// A table over descriptors that open and close as told.
class ConnectionTableTest : public testing::Test {
 protected:
  ConnectionTable Table(ConnectionLimits limits) {
    return ConnectionTable(limits, [this](int fd) {
      ++looks_;
      const auto found = sockets_.find(fd);
      return found == sockets_.end() ? 0 : found->second;
    });
  }
  int Open() {
    sockets_[++fd_] = ++socket_;
    return fd_;
  }
  void Close(int fd) { sockets_.erase(fd); }
  // Gives the number to another socket.
  void Reuse(int fd) { sockets_[fd] = ++socket_; }

  ConnectionTable::Clock::time_point now_{seconds(100)};
  int looks_ = 0;

 private:
  std::map<int, uint64_t> sockets_;
  int fd_ = 9;
  uint64_t socket_ = 1000;
};

const Peer kAnn{"192.0.2.1", 2};
const Peer kBob{"192.0.2.2", 2};
const Peer kTrusted{"192.0.2.3", 0};

TEST_F(ConnectionTableTest, OneAddressGetsItsNumberAndOthersGetTheirs) {
  ConnectionTable table = Table({.total = 100});
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTake);
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTake);
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTooManyOfPeer);
  EXPECT_EQ(table.Add(Open(), kBob, now_), Verdict::kTake);
  EXPECT_EQ(table.size(), 3);
}

TEST_F(ConnectionTableTest, ConnectionThatEndedMakesRoom) {
  ConnectionTable table = Table({.total = 100});
  const int first = Open();
  table.Add(first, kAnn, now_);
  table.Add(Open(), kAnn, now_);
  Close(first);
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTake);
}

TEST_F(ConnectionTableTest, NumberThatMeansAnotherFileMakesRoom) {
  ConnectionTable table = Table({.total = 100});
  const int first = Open();
  table.Add(first, kAnn, now_);
  table.Add(Open(), kAnn, now_);
  Reuse(first);
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTake);
}

TEST_F(ConnectionTableTest, NumberThatComesAgainIsOneConnection) {
  ConnectionTable table = Table({.total = 100});
  const int fd = Open();
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(table.Add(fd, kAnn, now_), Verdict::kTake);
    Reuse(fd);
  }
  EXPECT_EQ(table.size(), 1);
}

TEST_F(ConnectionTableTest, TotalBoundsThoseThatAreTrustedToo) {
  ConnectionTable table = Table({.total = 3});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(table.Add(Open(), kTrusted, now_), Verdict::kTake);
  }
  EXPECT_EQ(table.Add(Open(), kTrusted, now_), Verdict::kTooMany);
}

TEST_F(ConnectionTableTest, PeerAtItsLimitCostsOneLookATenthOfASecond) {
  ConnectionTable table = Table({.total = 100});
  const int first = Open();
  table.Add(first, kAnn, now_);
  table.Add(Open(), kAnn, now_);
  looks_ = 0;
  for (int i = 0; i < 50; ++i) table.Add(Open(), kAnn, now_);
  EXPECT_EQ(looks_, 2);
  Close(first);
  EXPECT_EQ(table.Add(Open(), kAnn, now_), Verdict::kTooManyOfPeer);
  EXPECT_EQ(table.Add(Open(), kAnn, now_ + seconds(1)), Verdict::kTake);
}

}  // namespace
}  // namespace sheaf::server
