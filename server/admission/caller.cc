#include "server/admission/caller.h"

#include <arpa/inet.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace sheaf::server {
namespace {

constexpr std::string_view kIpv6 = "ipv6:";
constexpr std::string_view kUnix = "unix";
constexpr std::string_view kLoopback = "ipv4:127.";

// "%5B2001:db8::1%5D" as "ipv6:20010db8..."; `host` itself where it is no IPv6
// address.
std::string NetworkOf(std::string_view host) {
  std::string text =
      absl::StrReplaceAll(absl::string_view(host.data(), host.size()),
                          {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
  text.resize(std::min(text.find('%'), text.size()));  // the interface
  unsigned char bytes[16];
  if (inet_pton(AF_INET6, text.c_str(), bytes) != 1) return std::string(host);
  if (text == "::1") return "ipv4:127.0.0.1";
  constexpr unsigned char kMapped[12] = {0, 0, 0, 0, 0,    0,
                                         0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(kMapped, kMapped + 12, bytes)) {
    return absl::StrCat("ipv4:", bytes[12], ".", bytes[13], ".", bytes[14], ".",
                        bytes[15]);
  }
  const absl::string_view half(reinterpret_cast<const char*>(bytes), 8);
  return absl::StrCat("ipv6:", absl::BytesToHexString(half));
}

}  // namespace

bool IsLocalSocket(std::string_view peer) {
  // A client may give its end a name, which says nothing.
  return peer.substr(0, kUnix.size()) == kUnix;
}

std::string AddressOf(std::string_view peer) {
  if (IsLocalSocket(peer)) return std::string(kUnix);
  const size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return std::string(peer);
  const std::string_view host = peer.substr(0, colon);
  const std::string name = host.substr(0, kIpv6.size()) == kIpv6
                               ? NetworkOf(host.substr(kIpv6.size()))
                               : std::string(host);
  // Each user of a machine can call from millions of loopback addresses.
  return name.substr(0, kLoopback.size()) == kLoopback ? "loopback" : name;
}

Caller CallerOf(std::string_view peer) {
  return {AddressOf(peer), std::string(peer)};
}

}  // namespace sheaf::server
