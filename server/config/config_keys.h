// The keys of the configuration as a table: what each is called, which member
// of ServerConfig it sets, what it may be. Values are pure functions of text;
// where the text came from is config.cc's business.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "server/config/config.h"

namespace sheaf::server {

struct TextKey {
  std::string ServerConfig::*member;
  std::vector<std::string> choices = {};  // None: any text but the empty one.
};
struct ListKey {
  std::vector<std::string> ServerConfig::*member;
  char separator;  // between the items of an environment variable
};
struct SwitchKey {
  bool ServerConfig::*member;
};
struct NumberKey {
  std::variant<int ServerConfig::*, int64_t ServerConfig::*> member;
  int64_t least;
  int64_t most;
  bool bytes = false;        // "64MiB" is a number too
  bool may_be_auto = false;  // "auto" is too: kAuto
};
struct DurationKey {
  absl::Duration ServerConfig::*member;
  absl::Duration least;
  absl::Duration most;
};

struct ConfigKey {
  std::string name;
  std::variant<TextKey, ListKey, SwitchKey, NumberKey, DurationKey> kind;
  std::string help;
  // The value may hold a secret of the operator: a token among the arguments,
  // say.
  bool is_private = false;

  std::string Environment() const;  // SHEAF_LOG_LEVEL
  std::string Flag() const;         // --log-level
  template <class Kind>
  bool Is() const {
    return std::holds_alternative<Kind>(kind);
  }
};

// In the order in which they are shown. Keys whose default is made of others
// stand after those.
const std::vector<ConfigKey>& ConfigKeys();

// Sets the member from texts: one, or for lists any number. INVALID_ARGUMENT
// says what the value must be.
absl::Status SetKey(const ConfigKey& key, const std::vector<std::string>& texts,
                    ServerConfig* config);

// The value, as the configuration file writes it.
std::string ShowKey(const ConfigKey& key, const ServerConfig& config);

// The same for clients that ask the server: private keys show "(private)".
std::string ShowKeyToAll(const ConfigKey& key, const ServerConfig& config);

}  // namespace sheaf::server
