// Ranges of IP addresses, as configuration names them: "10.0.0.0/8",
// "192.0.2.7", "fd00::/8". Pure values.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace sheaf::server {

// An address of either family in sixteen bytes; IPv4 as IPv6 maps it.
using AddressBytes = std::array<uint8_t, 16>;

// None where it is no IP address.
std::optional<AddressBytes> AddressOf(const sockaddr* address);

bool IsLoopback(const AddressBytes& address);

// One IPv4 address, or the /64 of IPv6 that one subscriber has for himself:
// "192.0.2.7", "2001:db8::/64".
std::string SubscriberName(const AddressBytes& address);

struct AddressRange {
  AddressBytes start = {};
  int prefix_bits = 128;

  bool Contains(const AddressBytes& address) const;
};

// INVALID_ARGUMENT where `text` is neither an address nor ADDRESS/BITS.
absl::StatusOr<AddressRange> ParseAddressRange(const std::string& text);

}  // namespace sheaf::server
