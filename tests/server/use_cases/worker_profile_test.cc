#include "server/use_cases/worker_profile.h"

#include <limits>
#include <string>

#include "batching/pricing/profile.h"
#include "gtest/gtest.h"
#include "queue/error.h"
#include "tests/server/scheduling/work.h"

namespace sheaf::server {
namespace {

class WorkerProfileTest : public ::testing::Test {
 protected:
  WorkerProfileTest() {
    worker_.lessee.id = WorkerId{3};
    worker_.devices = {{.name = "cpu"}, {.name = "gpu"}};
  }

  absl::Status Take(const batching::Profile& profile,
                    const WorkKind& kind = kKind) {
    return TakeProfile(&prices_, worker_, kind,
                       batching::Encode({{"mine", profile}}));
  }
  static batching::Profile Timed(double ms) {
    batching::Profile profile = Flat();
    profile.step = {ms, 0, 0};
    return profile;
  }

  PricesBoard prices_{Flat()};
  WorkerInfo worker_;
};

TEST_F(WorkerProfileTest, AProfilePricesTheWorkThatWasMeasured) {
  ASSERT_TRUE(Take(Timed(70)).ok());
  EXPECT_TRUE(prices_.HasMeasured("gpu", "m"));
  EXPECT_EQ(prices_.ProfileOf(kKind).Step(1), 70);
  EXPECT_EQ(prices_.profile().Step(1), 10) << "the configured one";
}

TEST_F(WorkerProfileTest, AWorkerMeasuresOnDevicesOfItsOwn) {
  const absl::Status refused = Take(Timed(70), {"tpu", "m", 64, 32});
  EXPECT_EQ(ReasonOf(refused), Reason::kInvalidField);
  EXPECT_EQ(refused.message(),
            "device: workers/3 did not register with a device 'tpu'");
  EXPECT_FALSE(prices_.HasMeasured("tpu", "m"));
}

TEST_F(WorkerProfileTest, AFigureThatPricesNothingIsRefused) {
  batching::Profile profile = Timed(70);
  profile.measured = {{1, 0.0}};
  EXPECT_EQ(ReasonOf(Take(profile)), Reason::kInvalidField);
  EXPECT_EQ(ReasonOf(Take(Timed(0))), Reason::kInvalidField);
  EXPECT_EQ(ReasonOf(TakeProfile(&prices_, worker_, kKind, "{")),
            Reason::kInvalidField);
  EXPECT_FALSE(prices_.HasMeasured("gpu", "m"));
}

TEST_F(WorkerProfileTest, OneProfileIsTakenAtATime) {
  for (const std::string& json :
       {std::string("{}"),
        batching::Encode({{"a", Timed(70)}, {"b", Timed(80)}})}) {
    EXPECT_EQ(ReasonOf(TakeProfile(&prices_, worker_, kKind, json)),
              Reason::kInvalidField)
        << json;
  }
}

}  // namespace
}  // namespace sheaf::server
