#include "queue/queue_settings.h"

#include <set>

#include "queue/queues.h"
#include "tests/queue/some_values.h"
#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::StartsWith;

class QueueSettingsTest : public UseCaseTest {};
SHEAF_FOR_ALL_STORES(QueueSettingsTest);

TEST_P(QueueSettingsTest, EverySettingIsNamedOnceAndHasAFlag) {
  std::set<std::string_view> names;
  ForEachQueueSetting([&](const auto& setting) {
    EXPECT_TRUE(names.insert(setting.name).second) << setting.name;
    EXPECT_THAT(setting.flag, StartsWith("--")) << setting.name;
    EXPECT_FALSE(setting.value.empty()) << setting.name;
    EXPECT_FALSE(setting.help.empty()) << setting.name;
  });
}

TEST_P(QueueSettingsTest, EverySettingIsStoredAndChangedAlone) {
  ForEachQueueSetting([&](const auto& setting) {
    const QueueSettings wanted = SettingsWith(setting.member);
    const QueueSettings defaults;
    ASSERT_NE(wanted, defaults) << setting.name;
    EXPECT_EQ(Configure(wanted).settings, wanted) << setting.name;
    EXPECT_EQ(GetQueue().settings, wanted) << setting.name;
    const QueuePatch back = PatchOf(setting.member, defaults.*setting.member);
    EXPECT_EQ(Configure(back).settings, defaults) << setting.name;
  });
}

}  // namespace
}  // namespace sheaf
