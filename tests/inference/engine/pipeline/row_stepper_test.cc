// Which rows share a call, by the keys and weights of their lines. The denoiser
// is a fake; rows_test.cc steps rows of a real one.
#include "inference/engine/pipeline/row_stepper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <new>

#include "inference/engine/schedule/compile.h"

namespace sheaf::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

// A prompt is a number.
struct Number : Conditioning {
  explicit Number(int64_t number) : value(number) {}
  const int64_t value;
};

int64_t NumberOf(const Line& line) {
  return dynamic_cast<const Number&>(*line.branch->conditioning).value;
}

class FakeMemory : public CallMemory {
 public:
  void Clear() override { ++clears; }
  int clears = 0;
};

// Answers a line with its number. Lines whose samples have one height share a
// call, a line weighs its number, and memory runs out above `fits`.
class FakeDenoiser : public Denoiser {
 public:
  CallKey KeyOf(const Line& line) const override {
    return {line.row->start().sample.size(1)};
  }
  int64_t WeightOf(const Line& line) const override { return NumberOf(line); }
  std::vector<at::Tensor> Call(const std::vector<Line>& lines,
                               CallMemory*) const override {
    int64_t weight = 0;
    std::vector<int64_t> numbers;
    std::vector<at::Tensor> answers;
    for (const Line& line : lines) {
      weight += NumberOf(line);
      numbers.push_back(NumberOf(line));
      answers.push_back(at::full_like(line.row->start().sample,
                                      static_cast<double>(NumberOf(line))));
    }
    if (weight > fits) throw std::bad_alloc();
    calls.push_back(numbers);
    return answers;
  }
  std::unique_ptr<CallMemory> NewMemory() const override {
    auto made = std::make_unique<FakeMemory>();
    memory = made.get();
    return made;
  }
  absl::StatusOr<std::shared_ptr<const ControlModel>> LoadControl(
      const std::string&, const LoadOptions&) const override {
    return absl::NotFoundError("a fake has no controls");
  }

  int64_t fits = 1000;
  mutable std::vector<std::vector<int64_t>> calls;  // The lines' numbers.
  mutable FakeMemory* memory = nullptr;             // The last one made.
};

class RowStepperTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto scheduler = ReadSchedulerConfig(
        SchedulerClass::kEuler, Config::Parse("{}", "test").value());
    program_ = Compile(scheduler.value(), {.steps = 4}).value();
  }
  static void TearDownTestSuite() { program_.reset(); }

  // A row with one branch for each number.
  static Row MakeRow(const std::vector<int64_t>& numbers, int64_t height = 2) {
    RowStart start;
    start.program = program_;
    start.sample = at::ones({1, height, 2});
    for (const int64_t number : numbers) {
      start.branches.push_back(
          {.conditioning = std::make_shared<Number>(number),
           .weight = 1.0 / static_cast<double>(numbers.size())});
    }
    return Row(std::move(start));
  }

  static std::vector<Row*> All(std::vector<Row>* rows) {
    std::vector<Row*> all;
    for (Row& row : *rows) all.push_back(&row);
    return all;
  }

  static std::shared_ptr<const Program> program_;
  const std::shared_ptr<FakeDenoiser> denoiser_ =
      std::make_shared<FakeDenoiser>();
  const RowStepper stepper_{denoiser_};
};

std::shared_ptr<const Program> RowStepperTest::program_;

TEST_F(RowStepperTest, RowsOfOneKeyShareACall) {
  std::vector<Row> rows = {MakeRow({1, 2}), MakeRow({3}, 5), MakeRow({4}),
                           MakeRow({5, 6}, 5)};
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  EXPECT_THAT(denoiser_->calls,
              UnorderedElementsAre(ElementsAre(1, 2, 4), ElementsAre(3, 5, 6)));
  EXPECT_EQ(stepper_.together().most, 2u);
  for (const Row& row : rows) EXPECT_EQ(row.steps_done(), 1u);
}

TEST_F(RowStepperTest, EachBranchHearsItsOwnAnswer) {
  const c10::InferenceMode no_gradients;
  std::vector<Row> rows = {MakeRow({1, 2}), MakeRow({3}), MakeRow({4, 5, 9})};
  std::vector<Row> alone = rows;
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  for (size_t i = 0; i < rows.size(); ++i) {
    ASSERT_TRUE(stepper_.Step({&alone[i]}).ok());
    EXPECT_TRUE(rows[i].sample().equal(alone[i].sample())) << i;
  }
  EXPECT_FALSE(rows[0].sample().equal(rows[1].sample()));
}

TEST_F(RowStepperTest, WhereMemoryRanOutCallsAreNoHeavierThanWhatFitted) {
  denoiser_->fits = 3;
  std::vector<Row> rows = {MakeRow({3}), MakeRow({1}), MakeRow({1}),
                           MakeRow({1})};
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  EXPECT_THAT(denoiser_->calls,
              ElementsAre(ElementsAre(3), ElementsAre(1), ElementsAre(1, 1)));
  EXPECT_EQ(stepper_.together().ran_out, 2u);
  EXPECT_EQ(denoiser_->memory->clears, 2);
  // Three light rows weigh what one heavy row weighs.
  denoiser_->calls.clear();
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  EXPECT_THAT(denoiser_->calls, ElementsAre(ElementsAre(3),  //
                                            ElementsAre(1, 1, 1)));
  EXPECT_EQ(denoiser_->memory->clears, 2);
}

TEST_F(RowStepperTest, LimitsThatAreForgottenAreTriedAgain) {
  denoiser_->fits = 2;
  std::vector<Row> rows = {MakeRow({1}), MakeRow({1}), MakeRow({1})};
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  denoiser_->fits = 3;
  denoiser_->calls.clear();
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  EXPECT_THAT(denoiser_->calls, ElementsAre(ElementsAre(1, 1), ElementsAre(1)));
  stepper_.ForgetLimits();
  denoiser_->calls.clear();
  ASSERT_TRUE(stepper_.Step(All(&rows)).ok());
  EXPECT_THAT(denoiser_->calls, ElementsAre(ElementsAre(1, 1, 1)));
}

TEST_F(RowStepperTest, ARowThatDoesNotFitAloneIsAnErrorAndStaysAsItWas) {
  denoiser_->fits = 2;
  std::vector<Row> rows = {MakeRow({1}), MakeRow({2, 1})};
  const absl::Status status = stepper_.Step(All(&rows));
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_EQ(rows[0].steps_done(), 1u);
  EXPECT_EQ(rows[1].steps_done(), 0u);
}

}  // namespace
}  // namespace sheaf::engine
