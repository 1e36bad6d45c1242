// Lists of jobs, page by page.
#include "queue/job_lists.h"

#include "tests/queue/use_case_test.h"

namespace sheaf {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobListsTest : public UseCaseTest {
 protected:
  void SubmitMany(int count) {
    for (int i = 1; i <= count; ++i) {
      Submit({.owner = i % 3 == 0 ? "ann" : "bob",
              .labels = {{"text", std::string(1000, 'x')}}});
    }
  }
  JobPage List(JobQuery query, PageLimits limits = {}) {
    return Read([&](View& view) { return ListJobs(view, query, limits); });
  }
  static std::vector<int64_t> Ids(const JobPage& page) {
    std::vector<int64_t> ids;
    for (const Job& job : page.jobs) ids.push_back(job.id.value);
    return ids;
  }
  // Reads the whole list and counts its pages.
  std::vector<int64_t> All(JobQuery query, PageLimits limits, int* pages) {
    std::vector<int64_t> all;
    *pages = 0;
    do {
      const JobPage page = List(query, limits);
      for (const int64_t id : Ids(page)) all.push_back(id);
      query.after = page.next;
      ++*pages;
    } while (query.after && *pages < 1000);
    return all;
  }
};
SHEAF_FOR_ALL_STORES(JobListsTest);

TEST_P(JobListsTest, PagesLeadOnThroughTheWholeList) {
  SubmitMany(7);
  const JobPage first = List({.limit = 3});
  EXPECT_THAT(Ids(first), ElementsAre(7, 6, 5));
  EXPECT_EQ(first.next, JobId{5});
  EXPECT_THAT(Ids(List({.after = first.next, .limit = 3})),
              ElementsAre(4, 3, 2));
  const JobPage last = List({.after = JobId{2}, .limit = 3});
  EXPECT_THAT(Ids(last), ElementsAre(1));
  EXPECT_FALSE(last.next);
  EXPECT_THAT(Ids(List({.ascending = true, .limit = 2})), ElementsAre(1, 2));
  EXPECT_THAT(Ids(List({.after = JobId{99}, .ascending = true})), IsEmpty());
}

TEST_P(JobListsTest, PageEndsByItsBytesAndHoldsOneJobAtLeast) {
  SubmitMany(5);
  const JobPage page = List({}, {.bytes_max = 3500});
  EXPECT_EQ(page.jobs.size(), 2u);
  EXPECT_EQ(page.next, JobId{4});
  EXPECT_THAT(Ids(List({}, {.bytes_max = 1})), ElementsAre(5));
  int pages = 0;
  EXPECT_THAT(All({}, {.bytes_max = 3500}, &pages), ElementsAre(5, 4, 3, 2, 1));
  EXPECT_EQ(pages, 3);
}

// A filter of many terms looks at some hundred jobs at a time.
TEST_P(JobListsTest, FilteredPageEndsByTimeAndTheListGoesOn) {
  SubmitMany(700);
  std::string text = "owner = \"ann\"";
  for (int i = 1; i < kFilterTermsMax; ++i) text += " AND state = QUEUED";
  const FilterExpr filter = ParseFilter(text).value();
  const PageLimits none_left{.time_max = absl::ZeroDuration()};
  for (const bool ascending : {false, true}) {
    int pages = 0;
    const std::vector<int64_t> all =
        All({.filter = &filter, .ascending = ascending, .limit = 1000},
            none_left, &pages);
    EXPECT_EQ(all.size(), 233u);
    EXPECT_EQ(all.front(), ascending ? 3 : 699);
    EXPECT_GE(pages, 3);
    EXPECT_LE(pages, 6);
    EXPECT_EQ(All({.filter = &filter, .ascending = ascending, .limit = 1000},
                  {.time_max = absl::InfiniteDuration()}, &pages),
              all);
    EXPECT_EQ(pages, 1);
  }
}

TEST_P(JobListsTest, FilteredPageEndsByItsItemsToo) {
  SubmitMany(9);
  const FilterExpr filter = ParseFilter("owner = \"ann\"").value();
  const JobPage page = List({.filter = &filter, .limit = 2});
  EXPECT_THAT(Ids(page), ElementsAre(9, 6));
  EXPECT_THAT(Ids(List({.filter = &filter, .after = page.next, .limit = 2})),
              ElementsAre(3));
}

TEST_P(JobListsTest, ListOfNoJobsIsEmpty) {
  const FilterExpr filter = ParseFilter("owner = \"ann\"").value();
  for (const FilterExpr* any :
       {static_cast<const FilterExpr*>(nullptr), &filter}) {
    const JobPage page = List({.filter = any});
    EXPECT_THAT(Ids(page), IsEmpty());
    EXPECT_FALSE(page.next);
  }
}

}  // namespace
}  // namespace sheaf
