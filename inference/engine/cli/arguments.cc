#include "inference/engine/cli/arguments.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status.h"

namespace sheaf::engine {

absl::StatusOr<Arguments> Arguments::Parse(
    const std::vector<std::string>& words, const std::vector<Option>& options) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (!word.starts_with("--")) {
      arguments.words_.push_back(word);
      continue;
    }
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals - 2);
    const auto option =
        std::find_if(options.begin(), options.end(),
                     [&](const Option& one) { return one.name == name; });
    if (option == options.end()) {
      return absl::InvalidArgumentError("no option --" + name);
    }
    std::string value = "yes";
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (!option->value.empty()) {
      if (++i == words.size()) {
        return absl::InvalidArgumentError("--" + name + " needs a value");
      }
      value = words[i];
    }
    std::vector<std::string>& values = arguments.values_[name];
    if (!values.empty() && !option->repeats) {
      return absl::InvalidArgumentError("--" + name + " is given twice");
    }
    values.push_back(value);
  }
  return arguments;
}

bool Arguments::Has(std::string_view name) const {
  return values_.find(name) != values_.end();
}

std::string Arguments::Text(std::string_view name,
                            std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise)
                                : found->second.front();
}

std::vector<std::string> Arguments::Texts(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

double Arguments::Number(std::string_view name, double otherwise) {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  double number = 0;
  if (absl::SimpleAtod(found->second.front(), &number)) return number;
  Fail(name, "is not a number");
  return otherwise;
}

int Arguments::Integer(std::string_view name, int otherwise, int least,
                       int most) {
  const auto found = values_.find(name);
  if (found == values_.end()) return otherwise;
  int number = 0;
  if (absl::SimpleAtoi(found->second.front(), &number) && number >= least &&
      number <= most) {
    return number;
  }
  Fail(name, absl::StrCat("must be a whole number from ", least, " to ", most));
  return otherwise;
}

void Arguments::Fail(std::string_view name, std::string_view what) {
  if (!status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      absl::StrCat("--", ToAbsl(name), " ", ToAbsl(what)));
}

}  // namespace sheaf::engine
