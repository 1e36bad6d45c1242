// A command line of the form: COMMAND [words] [--name value] [--switch].
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sheaf::engine {

// An option that a command takes. Used to check its arguments and to print its
// help.
struct Option {
  std::string_view name;   // Without its dashes.
  std::string_view value;  // The name of its value; empty for a switch.
  std::string_view help;
  bool repeats = false;  // May be given several times.
};

class Arguments {
 public:
  // INVALID_ARGUMENT for an option that `options` does not list, one without
  // its value, one given twice that does not repeat.
  static absl::StatusOr<Arguments> Parse(const std::vector<std::string>& words,
                                         const std::vector<Option>& options);

  const std::vector<std::string>& words() const { return words_; }
  bool Has(std::string_view name) const;
  std::string Text(std::string_view name, std::string_view otherwise) const;
  // All values of an option that repeats, in order.
  std::vector<std::string> Texts(std::string_view name) const;

  // A value that is not a number, or is out of its bounds, gives `otherwise`;
  // the first such fault stays in status().
  double Number(std::string_view name, double otherwise);
  int Integer(std::string_view name, int otherwise, int least, int most);
  const absl::Status& status() const { return status_; }

 private:
  void Fail(std::string_view name, std::string_view what);

  std::vector<std::string> words_;
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  absl::Status status_;
};

}  // namespace sheaf::engine
