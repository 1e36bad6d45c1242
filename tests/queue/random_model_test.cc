// Random use cases, applied to the model and to SQLite side by side. Every
// answer must be the same. After every so many, the whole state must be the
// same, too, and must break no rule.
//
// SHEAF_RANDOM_OPS sets the number of use cases, SHEAF_SEED their seed.
#include <cstdio>
#include <cstdlib>
#include <random>

#include "gtest/gtest.h"
#include "tests/queue/random_ops.h"

namespace sheaf {
namespace {

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

TEST(RandomModelTest, SqliteAnswersAsTheModelDoes) {
  const int64_t ops = FromEnvironment("SHEAF_RANDOM_OPS", 5'000);
  const auto seed = static_cast<uint32_t>(
      FromEnvironment("SHEAF_SEED", std::random_device{}()));
  std::printf("SHEAF_SEED=%u SHEAF_RANDOM_OPS=%ld\n", seed,
              static_cast<long>(ops));
  RandomOps random(seed);
  const int64_t every = ops > 20'000 ? 1'000 : 100;
  for (int64_t i = 1; i <= ops; ++i) {
    random.Step();
    if (i % every == 0 || i == ops) random.Compare();
    ASSERT_FALSE(testing::Test::HasFailure())
        << "after " << i << " steps, SHEAF_SEED=" << seed;
  }
  if (ops > 20'000) std::printf("%s", random.Report().c_str());
}

}  // namespace
}  // namespace sheaf
