#include "server/config/address_range.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace sheaf::server {
namespace {

AddressBytes Address(const std::string& text) {
  sockaddr_in ipv4 = {.sin_family = AF_INET};
  sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
  if (inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) {
    return *AddressOf(reinterpret_cast<const sockaddr*>(&ipv4));
  }
  EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr), 1) << text;
  return *AddressOf(reinterpret_cast<const sockaddr*>(&ipv6));
}

TEST(AddressRangeTest, RangeHoldsTheAddressesThatShareItsBits) {
  struct {
    const char* range;
    const char* address;
    bool within;
  } const cases[] = {
      {"10.0.0.0/8", "10.255.0.1", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"192.0.2.128/25", "192.0.2.200", true},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.6", false},
      {"192.0.2.7", "::ffff:192.0.2.7", true},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"fd00::/8", "fd12::1", true},
      {"fd00::/8", "fe80::1", false},
      {"::/0", "2001:db8::1", true},
  };
  for (const auto& each : cases) {
    const auto range = ParseAddressRange(each.range);
    ASSERT_TRUE(range.ok()) << each.range;
    EXPECT_EQ(range->Contains(Address(each.address)), each.within)
        << each.range << " " << each.address;
  }
}

TEST(AddressRangeTest, OtherTextIsNoRange) {
  for (const char* text : {"", "host", "10.0.0.0/33", "10.0.0.0/-1",
                           "10.0.0.0/", "fd00::/129", "10.0.0/8"}) {
    EXPECT_FALSE(ParseAddressRange(text).ok()) << text;
  }
}

TEST(AddressRangeTest, SubscriberIsAnIpv4AddressOrAnIpv6Network) {
  EXPECT_EQ(SubscriberName(Address("192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(SubscriberName(Address("::ffff:192.0.2.7")), "192.0.2.7");
  EXPECT_EQ(SubscriberName(Address("2001:db8:1:2:3::9")), "2001:db8:1:2::/64");
}

TEST(AddressRangeTest, LoopbackIsKnownInBothFamilies) {
  EXPECT_TRUE(IsLoopback(Address("127.3.2.1")));
  EXPECT_TRUE(IsLoopback(Address("::1")));
  EXPECT_FALSE(IsLoopback(Address("128.0.0.1")));
  EXPECT_FALSE(IsLoopback(Address("::2")));
}

TEST(AddressRangeTest, UnixSocketHasNoAddress) {
  const sockaddr_un address = {.sun_family = AF_UNIX};
  EXPECT_FALSE(AddressOf(reinterpret_cast<const sockaddr*>(&address)));
}

}  // namespace
}  // namespace sheaf::server
