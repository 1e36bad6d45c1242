#include "server/config/listen_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

constexpr char kUnix[] = "unix:";

struct Parts {
  std::string host;  // without brackets
  std::string port;
  bool brackets = false;
};

std::optional<Parts> Split(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  Parts parts{address.substr(0, colon), address.substr(colon + 1)};
  if (parts.host.front() == '[' && parts.host.back() == ']') {
    parts.brackets = true;
    parts.host = parts.host.substr(1, parts.host.size() - 2);
  }
  return parts;
}

bool IsHost(const Parts& parts) {
  in6_addr ipv6;
  if (parts.brackets)
    return inet_pton(AF_INET6, parts.host.c_str(), &ipv6) == 1;
  for (const char c : parts.host) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '.';
    if (!plain) return false;
  }
  return !parts.host.empty();
}

}  // namespace

std::optional<HostAndPort> SplitHostAndPort(const std::string& address) {
  const auto parts = Split(address);
  int port = 0;
  if (!parts || !IsHost(*parts) || !absl::SimpleAtoi(parts->port, &port) ||
      port < 0 || port > 65535) {
    return std::nullopt;
  }
  return HostAndPort{parts->host, port};
}

std::optional<std::string> UnixPath(const std::string& address) {
  if (!absl::StartsWith(address, kUnix)) return std::nullopt;
  return address.substr(sizeof(kUnix) - 1);
}

absl::Status CheckListenAddress(const std::string& address) {
  if (const auto path = UnixPath(address)) {
    constexpr size_t kPathMax = sizeof(sockaddr_un::sun_path) - 1;
    if (!path->empty() && path->size() <= kPathMax) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("'", address, "' must have a path of at most ", kPathMax,
                     " bytes after unix:"));
  }
  if (SplitHostAndPort(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "'", address,
      "' must look like 127.0.0.1:7420, [::1]:7420 or unix:/run/sheaf.sock"));
}

bool IsLocalAddress(const std::string& address) {
  if (UnixPath(address)) return true;
  const auto parts = Split(address);
  if (!parts) return false;
  in_addr ipv4;
  if (inet_pton(AF_INET, parts->host.c_str(), &ipv4) == 1) {
    return ntohl(ipv4.s_addr) >> 24 == 127;
  }
  in6_addr ipv6;
  if (inet_pton(AF_INET6, parts->host.c_str(), &ipv6) == 1) {
    return IN6_IS_ADDR_LOOPBACK(&ipv6);
  }
  return parts->host == "localhost";
}

}  // namespace sheaf::server
