#include "server/wire/page_token.h"

#include <limits>

#include "gtest/gtest.h"
#include "queue/error.h"

namespace sheaf::server {
namespace {

TEST(PageTokenTest, TokenLeadsOnInItsOwnListOnly) {
  const std::string token = MakePageToken("runs\njobs/1", 42);
  EXPECT_EQ(ReadPageToken("runs\njobs/1", token).value(), 42);
  EXPECT_EQ(ReasonOf(ReadPageToken("runs\njobs/2", token).status()),
            Reason::kBadPageToken);
}

TEST(PageTokenTest, ExtremeNumbersAreNoTokens) {
  for (const int64_t last : {std::numeric_limits<int64_t>::max(),
                             std::numeric_limits<int64_t>::min(),
                             (int64_t{1} << 62) + 1, int64_t{-1}}) {
    EXPECT_EQ(ReasonOf(ReadPageToken("q", MakePageToken("q", last)).status()),
              Reason::kBadPageToken);
  }
}

}  // namespace
}  // namespace sheaf::server
