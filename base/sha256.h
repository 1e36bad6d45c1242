// SHA-256, in lower-case hex: the names of artifacts, the digests of payloads
// and migrations.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace sheaf {

// The digest of `bytes`.
std::string Sha256Hex(std::string_view bytes);

// The digest of bytes that come in pieces. Use each object once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Update(std::string_view bytes);
  std::string FinishHex();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace sheaf
