#include "queue/error.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(ErrorTest, EveryReasonIsInTheTableOnce) {
  std::set<std::string_view> names;
  ASSERT_EQ(Reasons().size(), static_cast<size_t>(kReasonCount));
  for (int i = 0; i < kReasonCount; ++i) {
    const Reason reason = static_cast<Reason>(i);
    EXPECT_EQ(InfoOf(reason).reason, reason);
    EXPECT_TRUE(names.insert(InfoOf(reason).name).second)
        << InfoOf(reason).name;
    EXPECT_EQ(ReasonNamed(InfoOf(reason).name), reason);
  }
}

TEST(ErrorTest, NamesAreShortAndUpperSnake) {
  for (const ReasonInfo& info : Reasons()) {
    EXPECT_LE(info.name.size(), 63u);
    EXPECT_THAT(std::string(info.name),
                ::testing::MatchesRegex("[A-Z]+(_[A-Z]+)*"));
  }
}

TEST(ErrorTest, AdviceIsOneSentenceAndNoReasonIsOk) {
  for (const ReasonInfo& info : Reasons()) {
    EXPECT_NE(info.code, absl::StatusCode::kOk) << info.name;
    ASSERT_FALSE(info.advice.empty()) << info.name;
    EXPECT_EQ(info.advice.back(), '.') << info.name;
    EXPECT_EQ(info.advice.find(". "), std::string_view::npos) << info.name;
    EXPECT_EQ(info.advice.find('|'), std::string_view::npos) << info.name;
  }
}

TEST(ErrorTest, ErrorCarriesCodeReasonAndMessage) {
  const absl::Status status = Error(Reason::kQueueFull, "queue x has 10 runs");
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(std::string(status.message()), "queue x has 10 runs");
  EXPECT_EQ(ReasonOf(status), Reason::kQueueFull);
}

TEST(ErrorTest, ForeignStatusHasNoParticulars) {
  const absl::Status status = absl::InternalError("x");
  EXPECT_EQ(ReasonOf(status), std::nullopt);
  EXPECT_TRUE(MetadataOf(status).empty());
  EXPECT_TRUE(ViolationsOf(status).empty());
  EXPECT_EQ(SubjectOf(status), "");
  EXPECT_EQ(RetryAfterOf(status), std::nullopt);
}

TEST(ErrorTest, OkStaysOk) {
  EXPECT_EQ(WithMetadata(absl::OkStatus(), "a", "b"), absl::OkStatus());
  EXPECT_EQ(WithViolation(absl::OkStatus(), "a", "b"), absl::OkStatus());
  EXPECT_EQ(WithSubject(absl::OkStatus(), "a"), absl::OkStatus());
  EXPECT_EQ(WithRetryAfter(absl::OkStatus(), absl::Seconds(1)),
            absl::OkStatus());
}

TEST(ErrorTest, ParticularsComeBackAsTheyWerePutIn) {
  const std::string odd("12:\0\n\xff", 6);
  absl::Status status = Error(Reason::kEtagMismatch, "stale");
  status = WithMetadata(status, "currentEtag", "7");
  status = WithMetadata(status, "odd", odd);
  status = WithMetadata(status, "currentEtag", "8");
  status = WithSubject(status, "jobs/42");
  status = WithRetryAfter(status, absl::Milliseconds(1500));
  EXPECT_THAT(MetadataOf(status),
              ElementsAre(Pair("currentEtag", "8"), Pair("odd", odd)));
  EXPECT_EQ(SubjectOf(status), "jobs/42");
  EXPECT_EQ(RetryAfterOf(status), absl::Milliseconds(1500));
}

TEST(ErrorTest, EveryViolationIsKeptInOrder) {
  const Violations violations = {{"job.kind", "is too long"},
                                 {"job.runs[0].steps", ""},
                                 {"", "is empty: 3:abc"}};
  const absl::Status status =
      WithViolation(InvalidArgument(violations), "late", "came late");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), Reason::kInvalidField);
  EXPECT_EQ(std::string(status.message()),
            "job.kind: is too long (and 2 more)");
  Violations expected = violations;
  expected.push_back({"late", "came late"});
  EXPECT_EQ(ViolationsOf(status), expected);
}

// The reasons that the code names where it does not only ask for them.
std::set<std::string> AnsweredBy(const std::string& code) {
  static const std::regex kUse("(==|!=|case)? *Reason::(k[A-Za-z]+)");
  std::set<std::string> answered;
  for (std::sregex_iterator use(code.begin(), code.end(), kUse), end;
       use != end; ++use) {
    if (!(*use)[1].matched) answered.insert((*use)[2]);
  }
  return answered;
}

std::string WithoutComments(const std::string& path) {
  std::string text;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    text += line.substr(0, line.find("//")) + ' ';
  }
  return text;
}

TEST(ErrorTest, AQuestionForAReasonIsNoAnswer) {
  EXPECT_THAT(AnsweredBy("return Error(Reason::kA, x == Reason::kB); "
                         "case Reason::kC: return full ? Reason::kD : y;"),
              ElementsAre("kA", "kD"));
}

TEST(ErrorTest, EveryReasonIsAnsweredSomewhere) {
  namespace fs = std::filesystem;
  const std::string root = SHEAF_SOURCE_DIR "/";
  std::set<std::string> answered;
  for (const char* folder : {"queue", "batching", "server"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root + folder)) {
      const fs::path& path = entry.path();
      const bool is_code =
          path.extension() == ".cc" || path.extension() == ".h";
      if (!is_code || path.stem() == "error") continue;
      answered.merge(AnsweredBy(WithoutComments(path.string())));
    }
  }
  const std::set<std::string> table =
      AnsweredBy(WithoutComments(root + "queue/error.cc"));
  EXPECT_EQ(table.size(), static_cast<size_t>(kReasonCount));
  EXPECT_EQ(answered, table);
}

// SHEAF_UPDATE_DOCS=1 writes the file instead.
TEST(ErrorTest, DocumentShowsTheTable) {
  const std::string path = SHEAF_SOURCE_DIR "/docs/errors.md";
  if (std::getenv("SHEAF_UPDATE_DOCS") != nullptr) {
    std::ofstream(path) << RenderErrorTable();
  }
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  EXPECT_EQ(text.str(), RenderErrorTable());
}

}  // namespace
}  // namespace sheaf
