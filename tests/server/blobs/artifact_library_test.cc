#include "server/blobs/artifact_library.h"

#include <filesystem>
#include <fstream>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/queues.h"
#include "queue/sqlite/sqlite_store.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kEach = ArtifactBudget::kEach;

class ArtifactLibraryTest : public ::testing::Test {
 protected:
  ArtifactLibraryTest() { Restart(); }
  ~ArtifactLibraryTest() override {
    library_.reset();
    store_.reset();
  }

  void Restart(int64_t total_max = 0) {
    library_.reset();
    store_.reset();
    SqliteStore::Options options;
    options.directory = directory_;
    options.clock = [this] { return now_; };
    store_ = std::move(SqliteStore::Open(std::move(options)).value());
    auto files = ArtifactStore::Open(directory_, {.allow_other_types = true});
    budget_ =
        std::make_unique<ArtifactBudget>(total_max, [] { return DiskSpace(); });
    library_ =
        *ArtifactLibrary::Open(*std::move(files), store_.get(), budget_.get());
  }

  // The digest, or why there is none.
  absl::StatusOr<std::string> Put(const std::string& bytes,
                                  const std::string& expected = "") {
    auto upload = library_->BeginUpload();
    if (!upload.ok()) return upload.status();
    const absl::Status appended = (*upload)->Append(bytes);
    if (!appended.ok()) return appended;
    absl::StatusOr<std::string> digest;
    absl::Notification added;
    library_->Finish(*std::move(upload), expected, "",
                     [&](const absl::StatusOr<Artifact>& artifact) {
                       if (artifact.ok()) {
                         digest = artifact->digest;
                       } else {
                         digest = artifact.status();
                       }
                       added.Notify();
                     },
                     {});
    added.WaitForNotification();
    return digest;
  }
  bool Has(const std::string& digest) {
    bool known = false;
    EXPECT_TRUE(ReadAndWait(*store_, [&](View& view) {
                  known = view.FindArtifact(digest).has_value();
                  return absl::OkStatus();
                }).ok());
    EXPECT_EQ(known, library_->OpenReader(digest).ok()) << "row and file";
    return known;
  }
  // Makes a job need the artifact.
  void Refer(const std::string& digest) {
    ASSERT_TRUE(WriteAndWait(*store_, [&](Tx& tx) {
                  EnsureDefaultQueue(tx);
                  Job job;
                  job.queue = "default";
                  tx.AddReferences(tx.InsertJob(job, "{}", {}, {}), {digest});
                  return absl::OkStatus();
                }).ok());
  }
  // A file that no row knows.
  std::string MakeOrphan(const std::string& bytes) {
    const std::string digest = Sha256Hex(bytes);
    const fs::path folder = directory_ + "/artifacts/" + digest.substr(0, 2);
    fs::create_directory(folder);
    std::ofstream(folder / digest.substr(2)) << bytes;
    return digest;
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  absl::Time now_ = absl::Now();
  std::unique_ptr<SqliteStore> store_;
  std::unique_ptr<ArtifactBudget> budget_;
  std::unique_ptr<ArtifactLibrary> library_;
};

TEST_F(ArtifactLibraryTest, RoomIsCountedAlsoAfterARestart) {
  ASSERT_TRUE(Put("one").ok());
  ASSERT_TRUE(Put("three").ok());
  ASSERT_TRUE(Put("one").ok());  // the same again
  EXPECT_EQ(budget_->taken(), 2 * kEach + 8);
  Restart();
  EXPECT_EQ(budget_->taken(), 2 * kEach + 8);
}

TEST_F(ArtifactLibraryTest, UploadThatCameToNothingGivesItsRoomBack) {
  EXPECT_FALSE(Put("bytes", Sha256Hex("others")).ok());
  {
    auto upload = library_->BeginUpload();
    EXPECT_TRUE((*upload)->Append("more bytes").ok());
    EXPECT_EQ(budget_->taken(), kEach + 10);
  }
  EXPECT_EQ(budget_->taken(), 0);
}

TEST_F(ArtifactLibraryTest, FullLibraryRefusesAndKeepsWhatIsNew) {
  Restart(2 * kEach + 100);
  const std::string first = *Put(std::string(60, 'a'));
  now_ += absl::Minutes(9);
  EXPECT_EQ(ReasonOf(Put(std::string(60, 'b')).status()),
            Reason::kArtifactsFull);
  EXPECT_TRUE(Has(first));
  EXPECT_EQ(budget_->taken(), kEach + 60);
  EXPECT_TRUE(Put(std::string(40, 'b')).ok());
  EXPECT_EQ(ReasonOf(Put("").status()), Reason::kArtifactsFull);
}

TEST_F(ArtifactLibraryTest, FullLibraryForgetsTheUnneededButNeverTheNeeded) {
  Restart(3 * kEach);
  const std::string needed = *Put("");
  const std::string unneeded = *Put(std::string(60, 'a'));
  Refer(needed);
  now_ += absl::Minutes(11);
  const std::string later = *Put(std::string(2000, 'b'));
  EXPECT_TRUE(Has(needed));
  EXPECT_FALSE(Has(unneeded));
  EXPECT_TRUE(Has(later));
  Refer(later);
  now_ += absl::Hours(100);
  EXPECT_EQ(ReasonOf(Put(std::string(5000, 'c')).status()),
            Reason::kArtifactsFull);
  EXPECT_TRUE(Has(needed));
  EXPECT_TRUE(Has(later));
}

TEST_F(ArtifactLibraryTest, CollectionGivesRoomBack) {
  const std::string old = *Put("old");
  const std::string needed = *Put("needed");
  Refer(needed);
  now_ += absl::Hours(1);
  const std::string young = *Put("young");
  EXPECT_EQ(*library_->CollectGarbage(now_ - absl::Minutes(30), 100), 1);
  EXPECT_EQ(*library_->CollectGarbage(now_ - absl::Minutes(30), 100), 0);
  EXPECT_FALSE(Has(old));
  EXPECT_TRUE(Has(needed));
  EXPECT_TRUE(Has(young));
  EXPECT_EQ(budget_->taken(), 2 * kEach + 11);
}

TEST_F(ArtifactLibraryTest, UploadingAgainKeepsItFromTheCollection) {
  const std::string digest = *Put("bytes");
  now_ += absl::Hours(1);
  ASSERT_TRUE(Put("bytes").ok());
  EXPECT_EQ(*library_->CollectGarbage(now_ - absl::Minutes(30), 100), 0);
  EXPECT_TRUE(Has(digest));
}

// Files are dated by the machine's time, and the server's may lie ahead of it.
TEST_F(ArtifactLibraryTest, AFileWhoseRowIsOnItsWayIsNotSwept) {
  auto upload = library_->BeginUpload();
  ASSERT_TRUE((*upload)->Append("bytes").ok());
  absl::Notification blocked, go, added;
  store_->Write(
      [&](Tx&) {
        blocked.Notify();
        go.WaitForNotification();
        return absl::OkStatus();
      },
      [](const absl::Status&) {}, {.own = true});
  blocked.WaitForNotification();
  library_->Finish(*std::move(upload), "", "",
                   [&](const absl::StatusOr<Artifact>&) { added.Notify(); },
                   {});
  const std::string digest = Sha256Hex("bytes");
  const absl::Time ahead = absl::Now() + absl::Hours(48);
  ASSERT_TRUE(library_->SweepOrphans(ahead, 1000).ok());
  go.Notify();
  added.WaitForNotification();
  EXPECT_TRUE(Has(digest));
  ASSERT_TRUE(library_->SweepOrphans(ahead, 1000).ok());
  EXPECT_TRUE(Has(digest));
}

TEST_F(ArtifactLibraryTest, SweepRemovesFilesOfNobodyPartByPart) {
  const std::string kept = *Put("kept");
  std::vector<std::string> orphans;
  for (int i = 0; i < 20; ++i) {
    orphans.push_back(MakeOrphan(std::to_string(i)));
  }
  EXPECT_EQ(*library_->SweepOrphans(absl::Now() - absl::Hours(1), 1000), 20);
  const auto left = [&] {
    return std::count_if(orphans.begin(), orphans.end(), [&](const auto& d) {
      return library_->OpenReader(d).ok();
    });
  };
  EXPECT_EQ(left(), 20);  // too young
  const absl::Time later = absl::Now() + absl::Hours(1);
  const int first = *library_->SweepOrphans(later, 5);
  EXPECT_GE(first, 4);
  EXPECT_LT(first, 20);
  EXPECT_EQ(left(), 20 - first);
  for (int i = 0; i < 20 && left() > 0; ++i) {
    ASSERT_TRUE(library_->SweepOrphans(later, 5).ok());
  }
  EXPECT_EQ(left(), 0);
  EXPECT_TRUE(Has(kept));
}

}  // namespace
}  // namespace sheaf::server
