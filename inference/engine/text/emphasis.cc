// ParseEmphasis: a stack of open brackets over a list of texts.
#include <charconv>
#include <optional>

#include "inference/engine/text/tokenizer.h"

namespace sheaf::engine {
namespace {

constexpr float kStep = 1.1f;
constexpr std::string_view kBreak = "BREAK";

bool IsBlank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

class Parser {
 public:
  explicit Parser(std::string_view prompt) : prompt_(prompt) {}

  std::vector<WeightedText> Parse() {
    while (at_ < prompt_.size()) Next();
    while (!open_.empty())
      Close(open_.back().bracket == '(' ? kStep : 1 / kStep);
    Merge();
    return std::move(parts_);
  }

 private:
  struct Open {
    char bracket;
    size_t first;  // The first part inside.
  };

  void Next() {
    const char c = prompt_[at_];
    if (c == '\\' && at_ + 1 < prompt_.size() &&
        std::string_view("()[]\\").find(prompt_[at_ + 1]) !=
            std::string_view::npos) {
      Text(prompt_.substr(at_ + 1, 1));
      at_ += 2;
    } else if (c == '(' || c == '[') {
      open_.push_back({c, parts_.size()});
      ++at_;
    } else if (c == ')' && IsOpen('(')) {
      Close(kStep);
      ++at_;
    } else if (c == ']' && IsOpen('[')) {
      Close(1 / kStep);
      ++at_;
    } else if (c == ':' && IsOpen('(') && Weight()) {
      // Weight() went past the bracket.
    } else if (AtBreak()) {
      parts_.push_back({"", 1, true});
      at_ += kBreak.size();
    } else {
      Text(prompt_.substr(at_, 1));
      ++at_;
    }
  }

  bool IsOpen(char bracket) const {
    return !open_.empty() && open_.back().bracket == bracket;
  }

  // BREAK as a word of its own.
  bool AtBreak() const {
    const size_t end = at_ + kBreak.size();
    return prompt_.substr(at_, kBreak.size()) == kBreak &&
           (at_ == 0 || IsBlank(prompt_[at_ - 1])) &&
           (end == prompt_.size() || IsBlank(prompt_[end]));
  }

  // ":1.3)", with blanks around the number.
  bool Weight() {
    size_t from = at_ + 1;
    while (from < prompt_.size() && IsBlank(prompt_[from])) ++from;
    if (from < prompt_.size() && prompt_[from] == '+') ++from;
    float weight = 0;
    const auto [end, error] =
        std::from_chars(prompt_.data() + from, prompt_.data() + prompt_.size(),
                        weight, std::chars_format::fixed);
    size_t after = static_cast<size_t>(end - prompt_.data());
    if (error != std::errc() || !(weight >= -1000 && weight <= 1000)) {
      return false;
    }
    while (after < prompt_.size() && IsBlank(prompt_[after])) ++after;
    if (after == prompt_.size() || prompt_[after] != ')') return false;
    Close(weight);
    at_ = after + 1;
    return true;
  }

  void Close(float weight) {
    for (size_t i = open_.back().first; i < parts_.size(); ++i) {
      parts_[i].weight *= weight;
    }
    open_.pop_back();
  }

  // Appends to the last text unless a bracket or a break comes between.
  void Text(std::string_view text) {
    const bool grows = !parts_.empty() &&
                       (open_.empty() || parts_.size() > open_.back().first) &&
                       parts_.back().weight == 1 && !parts_.back().starts_chunk;
    if (!grows) parts_.push_back({"", 1, false});
    parts_.back().text += text;
  }

  // Neighbours of equal weight become one, so that words on a seam are whole.
  void Merge() {
    std::vector<WeightedText> merged;
    for (WeightedText& part : parts_) {
      if (part.starts_chunk) {
        merged.push_back({std::move(part.text), 1, true});
        // The text after a break joins the break's part, with any weight.
        continue;
      }
      const bool joins =
          !merged.empty() &&
          (merged.back().weight == part.weight ||
           (merged.back().starts_chunk && merged.back().text.empty()));
      if (joins) {
        merged.back().text += part.text;
        merged.back().weight = part.weight;
      } else {
        merged.push_back(std::move(part));
      }
    }
    parts_ = std::move(merged);
  }

  std::string_view prompt_;
  size_t at_ = 0;
  std::vector<WeightedText> parts_;
  std::vector<Open> open_;
};

}  // namespace

std::vector<WeightedText> ParseEmphasis(std::string_view prompt) {
  return Parser(prompt).Parse();
}

}  // namespace sheaf::engine
