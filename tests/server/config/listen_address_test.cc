#include "server/config/listen_address.h"

#include <string>

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(ListenAddressTest, HostsPortsAndSocketFilesAreAddresses) {
  for (const char* good :
       {"127.0.0.1:7420", "0.0.0.0:0", "[::1]:7420", "[::]:65535",
        "localhost:1", "gpu-7.example.org:7420", "unix:/run/sheaf.sock",
        "unix:here.sock"}) {
    EXPECT_TRUE(CheckListenAddress(good).ok()) << good;
  }
}

TEST(ListenAddressTest, WhatIsNoneIsRefusedByItsName) {
  for (const std::string bad :
       {"", ":7420", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
        "127.0.0.1:-1", "127.0.0.1:x", "::1:7420", "[::1]", "[::g]:7420",
        "a b:7420", "a/b:7420", "unix:"}) {
    const absl::Status status = CheckListenAddress(bad);
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << bad;
    EXPECT_NE(status.message().find("'" + bad + "'"), std::string::npos);
  }
  EXPECT_FALSE(CheckListenAddress("unix:" + std::string(108, 'x')).ok())
      << "longer than a socket's address";
}

TEST(ListenAddressTest, PartsAreThoseOfTheAddress) {
  const auto parts = SplitHostAndPort("[fe80::1]:7420");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->host, "fe80::1");
  EXPECT_EQ(parts->port, 7420);
  EXPECT_FALSE(SplitHostAndPort("unix:/x").has_value());
  EXPECT_EQ(UnixPath("unix:/x"), "/x");
  EXPECT_FALSE(UnixPath("localhost:1").has_value());
}

TEST(ListenAddressTest, LocalIsWhatOnlyThisMachineReaches) {
  for (const char* local :
       {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/x"}) {
    EXPECT_TRUE(IsLocalAddress(local)) << local;
  }
  for (const char* open : {"0.0.0.0:1", "10.0.0.1:1", "[::]:1", "128.0.0.1:1",
                           "localhost.example.org:1", "1"}) {
    EXPECT_FALSE(IsLocalAddress(open)) << open;
  }
}

}  // namespace
}  // namespace sheaf::server
