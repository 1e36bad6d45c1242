#include "base/secret.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/sha256.h"

namespace sheaf {
namespace {

using Digest = std::array<unsigned char, 32>;

Digest Hmac(std::string_view key, std::string_view text) {
  Digest digest{};
  SHEAF_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(text.data()),
                   text.size(), digest.data(), nullptr) != nullptr);
  return digest;
}

}  // namespace

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  size_t filled = 0;
  while (filled < count) {
    const ssize_t got = getrandom(bytes.data() + filled, count - filled, 0);
    SHEAF_CHECK(got >= 0 || errno == EINTR);
    if (got > 0) filled += static_cast<size_t>(got);
  }
  return bytes;
}

bool IsSameSecret(std::string_view a, std::string_view b) {
  return !a.empty() && a.size() == b.size() &&
         CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string HmacHex(std::string_view key, std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : Hmac(key, text)) {
    hex += kDigits[byte >> 4];
    hex += kDigits[byte & 15];
  }
  return hex;
}

// No HMAC: it would be a twentieth of a run's cost from its submit to its end.
// The mark is only a quarter of the hash, so that nobody can extend the hash.
int64_t MarkOf(std::string_view secret, std::string_view purpose) {
  Sha256 sha;
  sha.Update(std::to_string(secret.size()));
  sha.Update(" ");
  sha.Update(secret);
  sha.Update(purpose);
  return static_cast<int64_t>(
      std::stoull(sha.FinishHex().substr(0, 16), nullptr, 16));
}

}  // namespace sheaf
