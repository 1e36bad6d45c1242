#include "server/scheduling/picture_sizes.h"

#include <string>

#include "base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf::server {
namespace {

using ::testing::HasSubstr;

class PictureSizesTest : public ::testing::Test {
 protected:
  static constexpr int64_t kPixelsMax = 4096 * 4096;

  void Join(int64_t id, int64_t pixels_max, const std::string& model = "m") {
    WorkerInfo info;
    info.lessee.id = WorkerId{id};
    info.lessee.models = {model};
    info.lessee.pixels_max = pixels_max;
    workers_.Attach(info, nullptr);
  }

  // Says what is wrong with a job of one such picture; empty if nothing is.
  std::string WrongWith(int64_t width, int64_t height) {
    PreparedJob job;
    job.lanes.push_back({.queue = "default",
                         .kind = "inference",
                         .model = "m",
                         .width = width,
                         .height = height});
    for (const Violation& violation :
         ViolationsOf(CheckSizes(kPixelsMax, workers_, job))) {
      return violation.description;
    }
    return "";
  }

  WorkerRegistry workers_;
};

TEST_F(PictureSizesTest, TheServerTakesNoMorePixelsThanItsLimit) {
  EXPECT_EQ(WrongWith(4096, 4096), "");
  EXPECT_THAT(WrongWith(4096, 4104),
              HasSubstr("4096x4104: 16809984 pixels are more than the 16777216 "
                        "that the server takes (pixels_max)"));
}

TEST_F(PictureSizesTest, WhereNoWorkerIsHereOneMayComeThatMakesIt) {
  EXPECT_EQ(WrongWith(2048, 2048), "");
}

TEST_F(PictureSizesTest, APictureTooLargeForAllWorkersIsRefused) {
  Join(1, 1024 * 1024);
  Join(2, 1024 * 2048);
  EXPECT_EQ(WrongWith(1024, 2048), "");
  EXPECT_THAT(WrongWith(2048, 2048),
              HasSubstr("more than the 2097152 that any "
                        "connected worker with the model makes"));
  EXPECT_EQ(WrongWith(0, 0), "");
}

TEST_F(PictureSizesTest, OneWorkerThatMakesItIsEnough) {
  Join(1, 1024 * 1024);
  Join(2, 0);
  EXPECT_EQ(WrongWith(2048, 2048), "");
  workers_.Remove(WorkerId{2});
  EXPECT_NE(WrongWith(2048, 2048), "");
  workers_.Remove(WorkerId{1});
  EXPECT_EQ(WrongWith(2048, 2048), "");
}

TEST_F(PictureSizesTest, WorkersOfOtherModelsAndThoseThatLeaveDoNotCount) {
  Join(1, 1024 * 1024);
  Join(2, 0, "other");
  Join(3, 2048 * 2048);
  EXPECT_EQ(WrongWith(2048, 2048), "");
  workers_.Drain(WorkerId{3});
  EXPECT_NE(WrongWith(2048, 2048), "");
}

}  // namespace
}  // namespace sheaf::server
