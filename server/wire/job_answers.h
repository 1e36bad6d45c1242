// Answers about jobs on the wire: each use case's result becomes the response
// of its method.
#pragma once

#include <string>

#include "queue/job_lists.h"
#include "queue/jobs.h"
#include "queue/submit.h"
#include "server/use_cases/job_reader.h"
#include "sheaf/v1/job_service.pb.h"

namespace sheaf::server {

void ToProto(const Submitted& submitted, sheaf::v1::SubmitJobResponse* out);
void ToProto(const CancelCounts& counts, sheaf::v1::CancelJobResponse* out);
void ToProto(const JobDetails& details, sheaf::v1::Job* out);
void ToProto(const RunDetails& details, sheaf::v1::Run* out);
void ToProto(const RunPreview& preview, sheaf::v1::Preview* out);
// `question`: what the token of the next page is bound to (page_token.h).
void ToProto(const JobPage& page, const std::string& question,
             sheaf::v1::ListJobsResponse* out);
void ToProto(const RunPage& page, const std::string& question,
             sheaf::v1::ListRunsResponse* out);

}  // namespace sheaf::server
