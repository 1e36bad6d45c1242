// Rows and values: the only place that knows how each noun is written in the
// database. Columns come in the order of statements.h.
//
// Times are milliseconds; infinities are NULL. A malformed value ends the
// closure with BrokenRow.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "queue/event.h"
#include "queue/job_progress.h"
#include "queue/plan.h"
#include "queue/sqlite/connection.h"
#include "queue/types.h"

namespace sheaf {

// The value of a time in the database.
std::optional<int64_t> ToColumn(absl::Time time);
// NULL where the text is empty.
std::optional<std::string_view> TextOrNull(const std::string& text);

// Each binds the statement that adds or saves its noun, then steps it. Texts
// made for the purpose live as long as the statement needs them.
void WriteQueue(Connection& db, const Queue& queue);
void WriteLane(Connection& db, const Lane& lane);
void WriteNewJob(Connection& db, JobId id, const Job& job);
void WriteJob(Connection& db, const Job& job);
// By kAddRun or kSaveRun.
void WriteRun(Connection& db, const char* sql, const Run& run);
void WriteAttempt(Connection& db, const Attempt& attempt);
void WriteBatch(Connection& db, const Batch& batch);
void WritePlan(Connection& db, const PlanRecord& plan);
// With its runs.
void WritePlanBatch(Connection& db, const PlanBatch& batch);
void WriteEvent(Connection& db, const Event& event);
void WriteArtifact(Connection& db, const Artifact& artifact);

// The next columns, one for each state of a run.
RunCounts ReadCounts(Query& row);
// Each reads the present row.
Queue ReadQueue(Query& row);
Lane ReadLane(Query& row);
OwnerCounts ReadOwner(Query& row);
Job ReadJob(Query& row);
Run ReadRun(Query& row);
Attempt ReadAttempt(Query& row);
Batch ReadBatch(Query& row);
PlanRecord ReadPlan(Query& row);
PlanBatch ReadPlanBatch(Query& row);
Event ReadEvent(Query& row);
Artifact ReadArtifact(Query& row);
RunParams ReadParams(Query& row);
// Throws BrokenRow.
RunParams ParamsFrom(std::string_view text);

// The job's owner, which never changes, is the next column.
JobProgress ReadProgress(Query& row);
void WriteProgress(Connection& db, JobId id, const JobProgress& progress);

}  // namespace sheaf
