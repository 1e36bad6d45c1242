#include "queue/artifacts.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

class ArtifactsTest : public UseCaseTest {
 protected:
  absl::StatusOr<FoundArtifact> Find(const std::string& digest) {
    return Read([&](View& view) { return FindArtifactOrError(view, digest); });
  }
};
SHEAF_FOR_ALL_STORES(ArtifactsTest);

TEST_P(ArtifactsTest, AnArtifactSaysWhetherAJobNeedsIt) {
  Upload("abc");
  Upload("def");
  const Job job = Submit();
  Write([&](Tx& tx) { tx.AddReferences(job.id, {"abc"}); });
  EXPECT_TRUE(Find("abc")->referenced);
  EXPECT_FALSE(Find("def")->referenced);
  EXPECT_EQ(Find("abc")->artifact.media_type, "image/png");
}

TEST_P(ArtifactsTest, AnArtifactThatIsNotThereIsNamed) {
  const absl::Status status = Find("abc").status();
  EXPECT_EQ(ReasonOf(status), Reason::kArtifactNotFound);
  EXPECT_EQ(SubjectOf(status), "artifacts/abc");
}

}  // namespace
}  // namespace sheaf
