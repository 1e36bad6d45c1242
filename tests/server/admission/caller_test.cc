#include "server/admission/caller.h"

#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

TEST(CallerTest, AnAddressIsAPeerWithoutItsPort) {
  EXPECT_EQ(AddressOf("ipv4:192.0.2.7:4711"), "ipv4:192.0.2.7");
  EXPECT_EQ(AddressOf("ipv4:192.0.2.7:4712"), "ipv4:192.0.2.7");
  // All of these are one address, whatever name the caller's end was given.
  EXPECT_EQ(AddressOf("unix:/run/sheaf.sock"), "unix");
  EXPECT_EQ(AddressOf("unix:"), "unix");
  EXPECT_EQ(AddressOf("unix-abstract:mine"), "unix");
  // Addresses that everybody on the machine may take are one, too.
  EXPECT_EQ(AddressOf("ipv4:127.0.0.1:4711"), "loopback");
  EXPECT_EQ(AddressOf("ipv4:127.9.8.7:4711"), "loopback");
  EXPECT_EQ(AddressOf("ipv6:%5B::1%5D:80"), "loopback");
  EXPECT_EQ(AddressOf("ipv6:%5B::ffff:127.0.0.5%5D:80"), "loopback");
  EXPECT_EQ(AddressOf("fd:9"), "fd");
  EXPECT_EQ(AddressOf("nothing"), "nothing");
  EXPECT_EQ(AddressOf(""), "");
}

TEST(CallerTest, AHostHasHalfOfAllIpv6AddressesOfItsNetwork) {
  const std::string first = AddressOf("ipv6:%5B2001:db8:1:2::1%5D:80");
  EXPECT_EQ(AddressOf("ipv6:[2001:db8:1:2:ffff::9]:81"), first);
  EXPECT_NE(AddressOf("ipv6:%5B2001:db8:1:3::1%5D:80"), first);
  EXPECT_EQ(AddressOf("ipv6:%5Bfe80::1%25eth0%5D:80"),
            AddressOf("ipv6:%5Bfe80::2%5D:80"));
}

TEST(CallerTest, AnIpv4AddressIsTheSameOnASocketForBoth) {
  EXPECT_EQ(AddressOf("ipv6:%5B::ffff:192.0.2.7%5D:80"), "ipv4:192.0.2.7");
}

}  // namespace
}  // namespace sheaf::server
