// Previews on their way from the engine into reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "inference/engine/image/png.h"
#include "tests/inference/worker/batches.h"
#include "tests/inference/worker/session_fixture.h"

namespace sheaf::worker {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Draws previews that name the row and its step.
class Painter : public FakeEngine {
 public:
  PngMaker Preview(int64_t row) override {
    const int step = StepsOf(row).step;
    return [=]() -> absl::StatusOr<std::string> {
      if (row == 2) return std::string(300 << 10, 'x');
      return std::to_string(row) + " after " + std::to_string(step);
    };
  }
};

class PreviewTest : public SessionTest {
 protected:
  ~PreviewTest() override {
    painter_.Allow(kFarMoreSteps);
    StopAndJoin();
  }

  // Runs the batch, and waits for a report after each of `steps` steps.
  void Work(v1::LeasedBatch batch, int preview_steps, int steps) {
    batch.set_preview_steps(preview_steps);
    Run(&painter_);
    server_.AddBatch(batch);
    for (int step = 1; step <= steps; ++step) {
      painter_.Allow(1);
      ASSERT_TRUE(painter_.WaitForStepsBegun(step + 1));
      const size_t seen = server_.Snapshot().reports.size();
      server_.Signal(/*report_now=*/true, /*drain=*/false);
      ASSERT_TRUE(server_.WaitUntil([&](const FakeServerState& state) {
        return state.reports.size() > seen;
      }));
    }
  }

  // The previews of each run, each with the step in its report.
  std::map<std::string, std::vector<std::string>> Shown() {
    std::map<std::string, std::vector<std::string>> shown;
    for (const auto& report : server_.Snapshot().reports) {
      for (const v1::RunStep& step : report.steps()) {
        if (step.preview().empty()) continue;
        shown[step.run()].push_back(step.preview() + ", told " +
                                    std::to_string(step.step()));
      }
    }
    return shown;
  }

  Painter painter_;
};

TEST_F(PreviewTest, EachRowShowsOneEverySoManySteps) {
  Work(MakeBatch(1, {{.steps = 9}, {.steps = 9}}), 2, 5);
  auto shown = Shown();
  EXPECT_THAT(shown["jobs/1/runs/0"],
              ElementsAre("0 after 2, told 2", "0 after 4, told 4"));
  EXPECT_THAT(shown["jobs/1/runs/1"],
              ElementsAre("1 after 2, told 2", "1 after 4, told 4"));
}

TEST_F(PreviewTest, NobodyAskedNobodyPaints) {
  Work(MakeBatch(1, {{.steps = 9}}), 0, 4);
  EXPECT_THAT(Shown(), IsEmpty());
}

TEST_F(PreviewTest, APreviewTooLargeForTheWireIsLeftOut) {
  Work(MakeBatch(1, {{.steps = 9}, {.steps = 9}, {.steps = 9}}), 1, 1);
  auto shown = Shown();
  EXPECT_THAT(shown["jobs/1/runs/1"], ElementsAre("1 after 1, told 1"));
  EXPECT_THAT(shown["jobs/1/runs/2"], IsEmpty());
}

TEST_F(PreviewTest, MoreRowsThanAReportHoldsTakeTurns) {
  Work(MakeBatch(1, std::vector<RunArgs>(20, {.steps = 9})), 1, 2);
  const FakeServerState state = server_.Snapshot();
  for (const auto& report : state.reports) {
    EXPECT_LT(report.ByteSizeLong(), 4u << 20);
    const auto& steps = report.steps();
    EXPECT_LE(
        std::count_if(steps.begin(), steps.end(),
                      [](const auto& step) { return !step.preview().empty(); }),
        12);
  }
  EXPECT_THAT(Shown(), SizeIs(19));  // Row 2's previews are too large.
}

TEST_F(PreviewTest, APreviewBringsTheNextReportForward) {
  server_.With([](FakeServerState& state) {
    state.heartbeat_interval = absl::Seconds(9);
  });
  v1::LeasedBatch batch = MakeBatch(1, {{.steps = 9}});
  batch.set_preview_steps(3);
  Run(&painter_, OnClock());
  server_.AddBatch(batch);
  painter_.Allow(3);
  ASSERT_TRUE(painter_.WaitForStepsBegun(4));
  EXPECT_THAT(server_.Snapshot().reports, IsEmpty());
  Advance(absl::Seconds(1));
  EXPECT_THAT(server_.Snapshot().reports, SizeIs(1));
  EXPECT_THAT(Shown()["jobs/1/runs/0"], ElementsAre("0 after 3, told 3"));
}

TEST_F(PreviewTest, SimulatedPreviewsLeadFromGreyToThePicture) {
  SimulatedEngine engine(Fast());
  const int64_t row = engine.Add(MakeBatch(1, {{.steps = 4}}));
  std::vector<int> contrasts;
  for (int step = 1; step <= 3; ++step) {
    engine.Step();
    const std::string png = engine.Preview(row)().value();
    const auto pixels = engine::DecodePng(png)->image.pixels;
    const auto [least, most] =
        std::minmax_element(pixels.begin(), pixels.end());
    contrasts.push_back(*most - *least);
  }
  EXPECT_LT(contrasts[0], contrasts[1]);
  EXPECT_LT(contrasts[1], contrasts[2]);
}

}  // namespace
}  // namespace sheaf::worker
