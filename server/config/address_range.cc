#include "server/config/address_range.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

constexpr AddressBytes kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kMappedBits = 96;
constexpr int kSubscriberBits = 64;

bool SameBits(const AddressBytes& a, const AddressBytes& b, int count) {
  const int whole = count / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const int rest = count % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool IsMapped(const AddressBytes& address) {
  return SameBits(address, kMapped, kMappedBits);
}

AddressBytes Map(const in_addr& ipv4) {
  AddressBytes bytes = kMapped;
  std::memcpy(&bytes[12], &ipv4, sizeof(ipv4));
  return bytes;
}

}  // namespace

std::optional<AddressBytes> AddressOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return Map(reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  AddressBytes bytes;
  std::memcpy(bytes.data(),
              &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr,
              bytes.size());
  return bytes;
}

bool IsLoopback(const AddressBytes& address) {
  if (IsMapped(address)) return address[12] == 127;
  return std::all_of(address.begin(), address.end() - 1,
                     [](uint8_t byte) { return byte == 0; }) &&
         address[15] == 1;
}

std::string SubscriberName(const AddressBytes& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (IsMapped(address)) {
    inet_ntop(AF_INET, &address[12], text, sizeof(text));
    return text;
  }
  AddressBytes network = address;
  std::fill(network.begin() + kSubscriberBits / 8, network.end(), 0);
  inet_ntop(AF_INET6, network.data(), text, sizeof(text));
  return absl::StrCat(text, "/", kSubscriberBits);
}

bool AddressRange::Contains(const AddressBytes& address) const {
  return SameBits(start, address, prefix_bits);
}

absl::StatusOr<AddressRange> ParseAddressRange(const std::string& text) {
  const size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  AddressRange range;
  int before = 0;  // bits that the mapping has put in front
  in_addr ipv4;
  if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1) {
    range.start = Map(ipv4);
    before = kMappedBits;
  } else if (inet_pton(AF_INET6, host.c_str(), range.start.data()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", text, "' must look like 192.0.2.7, 10.0.0.0/8 or fd00::/8"));
  }
  if (slash == std::string::npos) return range;
  int bits = 0;
  if (!absl::SimpleAtoi(text.substr(slash + 1), &bits) || bits < 0 ||
      bits > 128 - before) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' must have from 0 to ", 128 - before,
                     " bits after the /"));
  }
  range.prefix_bits = before + bits;
  return range;
}

}  // namespace sheaf::server
