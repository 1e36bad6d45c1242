#include "server/blobs/checkpoint_store.h"

#include <filesystem>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/error.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const RunId kRun(JobId{42}, 3);
constexpr char kNone[] = "CHECKPOINT_NOT_FOUND";

std::string Request(const std::string& prompt) {
  RunParams params;
  params.prompt = prompt;
  return RequestDigest(params);
}

class CheckpointStoreTest : public ::testing::Test {
 protected:
  CheckpointStoreTest() { Restart(); }

  void Restart() {
    auto store = CheckpointStore::Open(directory_, options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }

  static Checkpoint Make(int step, const std::string& bytes = "state",
                         int64_t epoch = 1, RunId run = kRun) {
    return {run, epoch, step, Request("a fox"), bytes};
  }
  // The bytes, or the reason why there are none.
  std::string Load(RunId run = kRun, const std::string& prompt = "a fox") {
    const auto reader = store_->OpenReader(run, Request(prompt));
    if (!reader.ok()) return NameOfReason(reader.status());
    return Rest(reader->get());
  }
  static std::string Rest(CheckpointStore::Reader* reader) {
    std::string all;
    while (true) {
      const auto bytes = reader->Read(7);
      if (!bytes.ok()) return NameOfReason(bytes.status());
      if (bytes->empty()) return all;
      all += *bytes;
    }
  }
  static std::string NameOfReason(const absl::Status& status) {
    return std::string(InfoOf(*ReasonOf(status)).name);
  }
  int StepOf(const std::string& prompt = "a fox") {
    return store_->StepOf(kRun, Request(prompt));
  }
  std::string Path() const { return directory_ + "/checkpoints/42-3"; }
  std::vector<std::string> Files() const {
    std::vector<std::string> names;
    for (const auto& entry :
         fs::directory_iterator(directory_ + "/checkpoints")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  CheckpointStore::Options options_;
  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  std::unique_ptr<CheckpointStore> store_;
};

TEST_F(CheckpointStoreTest, WhatWasSavedIsLoadedAlsoAfterARestart) {
  const std::string bytes("state\0\n of a row", 16);
  ASSERT_TRUE(store_->Save(Make(30, bytes, 7)).ok());
  for (int starts = 0; starts < 2; ++starts) {
    const auto reader = store_->OpenReader(kRun, Request("a fox"));
    ASSERT_TRUE(reader.ok()) << reader.status().ToString();
    EXPECT_EQ((*reader)->checkpoint().step, 30);
    EXPECT_EQ((*reader)->checkpoint().epoch, 7);
    EXPECT_EQ((*reader)->size(), 16);
    EXPECT_EQ(Load(), bytes);
    EXPECT_EQ(StepOf(), 30);
    EXPECT_THAT(store_->Runs(), ElementsAre(kRun));
    Restart();
  }
  EXPECT_EQ(Load(RunId(JobId{42}, 4)), kNone);
}

TEST_F(CheckpointStoreTest, ALaterStepTakesThePlaceAnEarlierOneChangesNothing) {
  ASSERT_TRUE(store_->Save(Make(30, "thirty")).ok());
  ASSERT_TRUE(store_->Save(Make(20, "twenty")).ok());
  ASSERT_TRUE(store_->Save(Make(30, "again")).ok());
  EXPECT_EQ(Load(), "thirty");
  ASSERT_TRUE(store_->Save(Make(40, "forty")).ok());
  EXPECT_EQ(Load(), "forty");
  EXPECT_THAT(Files(), ElementsAre("42-3"));
}

// A worker that could not read the old state has started over.
TEST_F(CheckpointStoreTest, ALaterLeaseWinsWhateverItsStep) {
  ASSERT_TRUE(store_->Save(Make(30, "old", 1)).ok());
  ASSERT_TRUE(store_->Save(Make(10, "new", 2)).ok());
  EXPECT_EQ(Load(), "new");
  ASSERT_TRUE(store_->Save(Make(50, "late", 1)).ok());
  EXPECT_EQ(Load(), "new");
}

TEST_F(CheckpointStoreTest, ARunThatAsksForSomethingElseHasNone) {
  ASSERT_TRUE(store_->Save(Make(30)).ok());
  EXPECT_EQ(StepOf("a fox"), 30);
  EXPECT_EQ(StepOf("a red fox"), 0);
  EXPECT_EQ(Load(kRun, "a red fox"), kNone);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointStoreTest, ADamagedOneCountsAsNoneAndGoes) {
  ASSERT_TRUE(store_->Save(Make(30, std::string(1000, 'x'))).ok());
  const auto size = fs::file_size(Path());
  // Each byte of the header, and some of the rest.
  for (size_t at = 0; at < size; at += at < size - 1000 ? 1 : 97) {
    for (const bool restart : {false, true}) {
      ASSERT_TRUE(store_->Save(Make(30, std::string(1000, 'x'))).ok());
      {
        std::fstream file(Path(), std::ios::in | std::ios::out);
        file.seekg(static_cast<std::streamoff>(at));
        const char was = static_cast<char>(file.get());
        file.seekp(static_cast<std::streamoff>(at));
        file.put(was == '1' ? '2' : '1');
      }
      if (restart) Restart();
      EXPECT_EQ(Load(), kNone) << at;
      EXPECT_THAT(Files(), IsEmpty()) << at;
      EXPECT_EQ(StepOf(), 0) << at;
    }
  }
}

TEST_F(CheckpointStoreTest, ATornFileCountsAsNoneWhereverItIsTorn) {
  for (const int part : {0, 1, 50, 200, 300, 1166}) {
    for (const bool restart : {false, true}) {
      ASSERT_TRUE(store_->Save(Make(30, std::string(1000, 'x'))).ok());
      fs::resize_file(Path(), part);
      if (restart) Restart();
      EXPECT_EQ(Load(), kNone) << part;
      EXPECT_THAT(Files(), IsEmpty()) << part;
    }
  }
}

TEST_F(CheckpointStoreTest, AReaderEndsWhereAnotherTakesTheFilesPlace) {
  ASSERT_TRUE(store_->Save(Make(30, std::string(100, 'x'))).ok());
  const auto reader = *store_->OpenReader(kRun, Request("a fox"));
  ASSERT_TRUE(reader->Read(10).ok());
  ASSERT_TRUE(store_->Save(Make(40, std::string(100, 'y'))).ok());
  EXPECT_EQ(Rest(reader.get()), kNone);
  EXPECT_EQ(Load(), std::string(100, 'y'));
  store_->Remove(kRun);
  EXPECT_EQ(Load(), kNone);
}

TEST_F(CheckpointStoreTest, AnEmptyOneIsOneToo) {
  ASSERT_TRUE(store_->Save(Make(30, "")).ok());
  EXPECT_EQ(Load(), "");
  EXPECT_EQ(StepOf(), 30);
}

TEST_F(CheckpointStoreTest, ReadersThatWaitHoldNoFileOpen) {
  ASSERT_TRUE(store_->Save(Make(30, std::string(100, 'x'))).ok());
  const auto open_files = [] {
    return std::distance(fs::directory_iterator("/proc/self/fd"),
                         fs::directory_iterator());
  };
  const auto before = open_files();
  std::vector<std::unique_ptr<CheckpointStore::Reader>> readers;
  for (int i = 0; i < 50; ++i) {
    readers.push_back(*store_->OpenReader(kRun, Request("a fox")));
    ASSERT_TRUE(readers.back()->Read(10).ok());
  }
  EXPECT_EQ(open_files(), before);
}

TEST_F(CheckpointStoreTest, NobodyElseMayReadTheFolderOrTheFiles) {
  ASSERT_TRUE(store_->Save(Make(30)).ok());
  const auto others = fs::perms::group_all | fs::perms::others_all;
  for (const std::string& path : {directory_ + "/checkpoints", Path()}) {
    EXPECT_EQ(fs::status(path).permissions() & others, fs::perms::none);
  }
}

TEST_F(CheckpointStoreTest, AStartClearsWhatIsNoCheckpoint) {
  ASSERT_TRUE(store_->Save(Make(30)).ok());
  for (const char* name : {"new", "README", "42-4"}) {
    fs::copy_file(Path(), directory_ + "/checkpoints/" + name);
  }
  Restart();
  EXPECT_THAT(Files(), ElementsAre("42-3"));
  EXPECT_EQ(Load(), "state");
}

TEST_F(CheckpointStoreTest, OneIsNoLargerThanAllowed) {
  options_.bytes_max = 100;
  Restart();
  EXPECT_TRUE(store_->Save(Make(10, std::string(100, 'x'))).ok());
  EXPECT_EQ(ReasonOf(store_->Save(Make(20, std::string(101, 'x')))),
            Reason::kInvalidField);
  EXPECT_EQ(Load(), std::string(100, 'x'));
}

TEST_F(CheckpointStoreTest, TogetherTheyAreNoMoreThanAllowed) {
  options_.total_max = 3000;
  Restart();
  const RunId second(JobId{43}, 0);
  const std::string large(1200, 'x');
  ASSERT_TRUE(store_->Save(Make(10, large)).ok());
  ASSERT_TRUE(store_->Save(Make(10, large, 1, second)).ok());
  for (int starts = 0; starts < 2; ++starts) {
    EXPECT_EQ(ReasonOf(store_->Save(Make(10, large, 1, RunId(JobId{44}, 0)))),
              Reason::kOverloaded);
    // A state that replaces an old one needs no further room.
    EXPECT_TRUE(store_->Save(Make(20 + starts, large)).ok());
    Restart();
  }
  store_->Remove(second);
  EXPECT_TRUE(store_->Save(Make(10, large, 1, RunId(JobId{44}, 0))).ok());
}

TEST_F(CheckpointStoreTest, AFolderThatTakesNoFilesCostsNoRun) {
  ASSERT_TRUE(store_->Save(Make(10)).ok());
  // A directory stands in the way of the new file; even root cannot write
  // there.
  fs::create_directory(directory_ + "/checkpoints/new");
  EXPECT_EQ(ReasonOf(store_->Save(Make(20, "later"))),
            Reason::kStoreUnavailable);
  EXPECT_EQ(Load(), "state");
}

TEST_F(CheckpointStoreTest, RemovedIsGoneAndAnotherTimeIsNoError) {
  ASSERT_TRUE(store_->Save(Make(10)).ok());
  store_->Remove(kRun);
  store_->Remove(kRun);
  EXPECT_FALSE(store_->Has(kRun));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CheckpointStoreTest, AFileOfAnotherServerCountsAsNone) {
  options_.key = "this server's";
  Restart();
  ASSERT_TRUE(store_->Save(Make(10)).ok());
  Restart();
  EXPECT_EQ(StepOf(), 10);
  options_.key = "another's";
  Restart();
  EXPECT_EQ(StepOf(), 0);
  EXPECT_EQ(Load(), kNone);
  EXPECT_THAT(Files(), IsEmpty());
}

}  // namespace
}  // namespace sheaf::server
