#include "server/blobs/artifact_store.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "queue/error.h"
#include "tests/base/temp_folder.h"

namespace sheaf::server {
namespace {

namespace fs = std::filesystem;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// Something that begins as a JPEG does, `size` bytes long.
std::string Jpeg(size_t size, char filler = 'x') {
  return "\xff\xd8\xff\xe0" + std::string(size - 4, filler);
}

class ArtifactStoreTest : public ::testing::Test {
 protected:
  ArtifactStoreTest() { Restart(); }

  void Restart() {
    auto store = ArtifactStore::Open(directory_, options_);
    ASSERT_TRUE(store.ok()) << store.status().ToString();
    store_ = *std::move(store);
  }

  absl::StatusOr<StoredArtifact> Put(const std::string& bytes,
                                     const std::string& expected = "",
                                     const std::string& media_type = "") {
    auto upload = store_->BeginUpload();
    if (!upload.ok()) return upload.status();
    for (size_t at = 0; at < bytes.size(); at += 1000) {
      const absl::Status status = (*upload)->Append(bytes.substr(at, 1000));
      if (!status.ok()) return status;
    }
    return (*upload)->Finish(expected, media_type);
  }

  // The bytes that came, and the error that came instead of the rest.
  std::pair<std::string, absl::Status> Get(const std::string& digest) {
    auto reader = store_->OpenReader(digest);
    if (!reader.ok()) return {"", reader.status()};
    std::string all;
    while (true) {
      auto bytes = (*reader)->Read(1000);
      if (!bytes.ok()) return {all, bytes.status()};
      if (bytes->empty()) return {all, absl::OkStatus()};
      all += *bytes;
    }
  }

  std::string PathOf(const std::string& digest) {
    return directory_ + "/artifacts/" + digest.substr(0, 2) + "/" +
           digest.substr(2);
  }
  std::vector<std::string> Digests() {
    std::vector<std::string> all;
    for (int folder = 0; folder < ArtifactStore::kFolders; ++folder) {
      const auto some = store_->ListDigests(folder);
      EXPECT_TRUE(some.ok());
      all.insert(all.end(), some->begin(), some->end());
    }
    return all;
  }
  size_t TempFiles() {
    return std::distance(fs::directory_iterator(directory_ + "/artifacts/tmp"),
                         fs::directory_iterator());
  }
  void FlipBit(const std::string& path, int64_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = file.get();
    file.seekp(at);
    file.put(byte ^ 1);
  }

  const TempFolder temp_;
  const std::string directory_ = temp_.path();
  ArtifactOptions options_;
  std::unique_ptr<ArtifactStore> store_;
};

TEST_F(ArtifactStoreTest, BytesComeBackUnderTheirDigest) {
  const std::string bytes = Jpeg(12345);
  const auto stored = Put(bytes, Sha256Hex(bytes), "image/jpeg");
  ASSERT_TRUE(stored.ok()) << stored.status().ToString();
  EXPECT_EQ(stored->digest, Sha256Hex(bytes));
  EXPECT_EQ(stored->size, 12345);
  EXPECT_EQ(stored->media_type, "image/jpeg");
  EXPECT_EQ(Get(stored->digest).first, bytes);
  EXPECT_EQ(TempFiles(), 0u);
  Restart();
  EXPECT_EQ(Get(stored->digest).first, bytes);
}

TEST_F(ArtifactStoreTest, SameBytesTwiceAreOneFile) {
  ASSERT_TRUE(Put(Jpeg(100)).ok());
  ASSERT_TRUE(Put(Jpeg(100)).ok());
  EXPECT_EQ(Digests().size(), 1u);
}

TEST_F(ArtifactStoreTest, TooManyBytesAreRefusedAndLeaveNothing) {
  options_.bytes_max = 5000;
  Restart();
  EXPECT_TRUE(Put(Jpeg(5000)).ok());
  const auto stored = Put(Jpeg(5001));
  EXPECT_EQ(ReasonOf(stored.status()), Reason::kArtifactTooLarge);
  EXPECT_EQ(TempFiles(), 0u);
}

TEST_F(ArtifactStoreTest, RefusedUploadStaysRefused) {
  options_.bytes_max = 5000;
  Restart();
  auto upload = *store_->BeginUpload();
  EXPECT_FALSE(upload->Append(Jpeg(5001)).ok());
  EXPECT_FALSE(upload->Append(Jpeg(10)).ok());
  EXPECT_EQ(ReasonOf(upload->Finish("", "").status()),
            Reason::kArtifactTooLarge);
}

TEST_F(ArtifactStoreTest, OtherExpectedNameIsRefused) {
  const auto stored = Put(Jpeg(100), Sha256Hex("something else"));
  EXPECT_EQ(ReasonOf(stored.status()), Reason::kArtifactMismatch);
  EXPECT_EQ(MetadataOf(stored.status())["actualName"],
            "artifacts/" + Sha256Hex(Jpeg(100)));
  EXPECT_THAT(Digests(), IsEmpty());
  EXPECT_EQ(TempFiles(), 0u);
}

TEST_F(ArtifactStoreTest, OnlyPicturesUnlessOthersAreAllowed) {
  for (const std::string& bytes :
       {std::string("{}"), std::string(), std::string(40, ' ')}) {
    EXPECT_EQ(ReasonOf(Put(bytes).status()), Reason::kArtifactTypeRefused);
  }
  options_.allow_other_types = true;
  Restart();
  const auto stored = Put("{}", "", "application/json");
  ASSERT_TRUE(stored.ok());
  EXPECT_EQ(stored->media_type, "application/octet-stream");
  const auto empty = Put("");
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(Get(empty->digest).second.ok());
}

TEST_F(ArtifactStoreTest, PictureUnderAFalseTypeIsRefused) {
  EXPECT_EQ(ReasonOf(Put(Jpeg(100), "", "image/png").status()),
            Reason::kArtifactTypeRefused);
}

TEST_F(ArtifactStoreTest, HugePngIsRefusedAtItsFirstBytes) {
  std::string png("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\1\0\0\0\0\0\1", 24);
  png += std::string(100, '\0');
  auto upload = *store_->BeginUpload();
  EXPECT_EQ(ReasonOf(upload->Append(png)), Reason::kArtifactTooLarge);
}

TEST_F(ArtifactStoreTest, JpegWithTooManyPixelsIsRefusedWhereItSaysSo) {
  std::string bytes("\xff\xd8\xff\xe1\x03\xea", 6);
  bytes += std::string(1000, 'x');
  bytes += std::string("\xff\xc0\0\x11\x08\0\x64\0\x64", 9);  // 100 by 100
  bytes += std::string(2000, 'x');
  EXPECT_TRUE(Put(bytes).ok());
  options_.picture.pixels_max = 9999;
  Restart();
  for (const size_t piece : {1, 3, 5000}) {
    auto upload = *store_->BeginUpload();
    absl::Status status;
    size_t at = 0;
    for (; at < bytes.size() && status.ok(); at += piece) {
      status = upload->Append(std::string_view(bytes).substr(at, piece));
    }
    EXPECT_EQ(ReasonOf(status), Reason::kArtifactTooLarge) << piece;
    EXPECT_LT(at, 1020 + piece);
  }
}

TEST_F(ArtifactStoreTest, FlippedBitIsNeverReadToItsEnd) {
  const auto stored = *Put(Jpeg(5000));
  for (const int64_t at : {0, 2500, 4999}) {
    FlipBit(PathOf(stored.digest), at);
    const auto [bytes, status] = Get(stored.digest);
    EXPECT_EQ(ReasonOf(status), Reason::kArtifactCorrupt) << at;
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_LT(bytes.size(), 5000u);
    FlipBit(PathOf(stored.digest), at);
  }
  EXPECT_TRUE(Get(stored.digest).second.ok());
}

TEST_F(ArtifactStoreTest, TruncatedAndGrownFilesAreNeverReadOut) {
  const auto stored = *Put(Jpeg(5000));
  for (const int size : {4999, 0, 5001}) {
    fs::resize_file(PathOf(stored.digest), size);
    EXPECT_EQ(ReasonOf(Get(stored.digest).second), Reason::kArtifactCorrupt)
        << size;
  }
}

TEST_F(ArtifactStoreTest, FileIsCheckedBeforeItsLastPiece) {
  const auto stored = *Put(Jpeg(5000));
  EXPECT_EQ(Get(stored.digest).first, Jpeg(5000));
  FlipBit(PathOf(stored.digest), 10);
  auto [bytes, status] = Get(stored.digest);
  EXPECT_EQ(bytes.size(), 4000u);
  EXPECT_EQ(ReasonOf(status), Reason::kArtifactCorrupt);
  auto whole = *store_->OpenReader(stored.digest);
  EXPECT_EQ(ReasonOf(whole->Read(5000).status()), Reason::kArtifactCorrupt);
}

TEST_F(ArtifactStoreTest, ReaderThatFoundDamageNeverSaysTheEnd) {
  const auto stored = *Put(Jpeg(5000));
  FlipBit(PathOf(stored.digest), 10);
  auto reader = *store_->OpenReader(stored.digest);
  EXPECT_FALSE(reader->Read(10000).ok());
  EXPECT_FALSE(reader->Read(10000).ok());
}

size_t OpenFiles() {
  return std::distance(fs::directory_iterator("/proc/self/fd"),
                       fs::directory_iterator());
}

TEST_F(ArtifactStoreTest, ReadersThatWaitHoldNoFileOpen) {
  const auto stored = *Put(Jpeg(5000));
  const size_t before = OpenFiles();
  std::vector<std::unique_ptr<ArtifactStore::Reader>> readers;
  for (int i = 0; i < 50; ++i) {
    readers.push_back(*store_->OpenReader(stored.digest));
    ASSERT_TRUE(readers.back()->Read(1000).ok());
  }
  EXPECT_EQ(OpenFiles(), before);
  // The next piece is still there after another upload of the same bytes.
  ASSERT_TRUE(Put(Jpeg(5000)).ok());
  EXPECT_EQ(readers.front()->Read(5000)->size(), 4000u);
  ASSERT_TRUE(store_->Remove(stored.digest).ok());
  EXPECT_EQ(ReasonOf(readers.back()->Read(1000).status()),
            Reason::kArtifactNotFound);
}

TEST_F(ArtifactStoreTest, FileThatShrinksWhileItIsReadIsCorrupt) {
  const auto stored = *Put(Jpeg(5000));
  auto reader = *store_->OpenReader(stored.digest);
  ASSERT_TRUE(reader->Read(1000).ok());
  fs::resize_file(PathOf(stored.digest), 500);
  EXPECT_EQ(ReasonOf(reader->Read(1000).status()), Reason::kArtifactCorrupt);
}

TEST_F(ArtifactStoreTest, UploadingAgainHealsADamagedFile) {
  const auto stored = *Put(Jpeg(5000));
  FlipBit(PathOf(stored.digest), 77);
  ASSERT_TRUE(Put(Jpeg(5000)).ok());
  EXPECT_EQ(Get(stored.digest).first, Jpeg(5000));
}

TEST_F(ArtifactStoreTest, WhatIsNoDigestIsNotFound) {
  for (const std::string& digest :
       {std::string(), std::string("../../../../etc/passwd"),
        std::string(64, 'A'), std::string(63, 'a'), std::string(65, 'a'),
        ".." + std::string(62, '/'), std::string(64, 'a')}) {
    EXPECT_EQ(ReasonOf(store_->OpenReader(digest).status()),
              Reason::kArtifactNotFound)
        << digest;
  }
  EXPECT_EQ(ReasonOf(store_->Remove("../tmp")), Reason::kArtifactNotFound);
}

TEST_F(ArtifactStoreTest, LinksAreNotFollowed) {
  const std::string digest = Sha256Hex("secret");
  fs::create_directory(fs::path(PathOf(digest)).parent_path());
  std::ofstream(directory_ + "/secret") << "secret";
  fs::create_symlink(directory_ + "/secret", PathOf(digest));
  EXPECT_FALSE(store_->OpenReader(digest).ok());
}

TEST_F(ArtifactStoreTest, CrashLeavesNoUploadBehind) {
  auto upload = *store_->BeginUpload();
  ASSERT_TRUE(upload->Append(Jpeg(500)).ok());
  EXPECT_EQ(TempFiles(), 1u);
  auto other = *ArtifactStore::Open(directory_, options_);
  EXPECT_EQ(TempFiles(), 0u);
}

TEST_F(ArtifactStoreTest, AbandonedUploadLeavesNothing) {
  { ASSERT_TRUE((*store_->BeginUpload())->Append(Jpeg(500)).ok()); }
  EXPECT_EQ(TempFiles(), 0u);
}

TEST_F(ArtifactStoreTest, ListsDigestsAndNothingElse) {
  const auto a = *Put(Jpeg(100));
  const auto b = *Put(Jpeg(200));
  std::ofstream(fs::path(PathOf(a.digest)).parent_path() / "notes.txt") << "x";
  std::ofstream(directory_ + "/artifacts/README") << "x";
  EXPECT_THAT(Digests(), UnorderedElementsAre(a.digest, b.digest));
}

TEST_F(ArtifactStoreTest, RemovedFileIsGoneAndRemovingTwiceIsNoError) {
  const auto stored = *Put(Jpeg(100));
  EXPECT_TRUE(store_->Remove(stored.digest).ok());
  EXPECT_TRUE(store_->Remove(stored.digest).ok());
  EXPECT_EQ(ReasonOf(Get(stored.digest).second), Reason::kArtifactNotFound);
}

TEST_F(ArtifactStoreTest, RemovalSparesWhatWasStoredSince) {
  const auto stored = *Put(Jpeg(100));
  const absl::Time now = absl::Now();
  ASSERT_TRUE(store_->Remove(stored.digest, now - absl::Hours(1)).ok());
  EXPECT_TRUE(Get(stored.digest).second.ok());
  ASSERT_TRUE(store_->Remove(stored.digest, now + absl::Hours(1)).ok());
  EXPECT_FALSE(Get(stored.digest).second.ok());
}

TEST_F(ArtifactStoreTest, ManyThreadsMayStoreTheSame) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([this, i] {
      for (int k = 0; k < 5; ++k) {
        EXPECT_TRUE(Put(Jpeg(3000 + k)).ok());
        EXPECT_TRUE(Put(Jpeg(4000 + i)).ok());
        EXPECT_TRUE(Get(Sha256Hex(Jpeg(3000 + k))).second.ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Digests().size(), 13u);
  EXPECT_EQ(TempFiles(), 0u);
}

}  // namespace
}  // namespace sheaf::server
