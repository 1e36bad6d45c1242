#include "server/scheduling/picture_sizes.h"

#include <string>

#include "absl/strings/str_cat.h"

namespace sheaf::server {
namespace {

// Most lanes of one job for which the workers are asked: each question costs as
// much as the workers have models.
constexpr int kQuestionsMax = 16;

absl::Status TooLarge(const Lane& lane, int64_t most, const std::string& who) {
  return InvalidArgument(
      {{"job", absl::StrCat("asks for pictures of ", lane.width, "x",
                            lane.height, ": ", lane.width * lane.height,
                            " pixels are more than the ", most, " that ", who,
                            "; ask for smaller ones")}});
}

}  // namespace

absl::Status CheckSizes(int64_t pixels_max, const WorkerRegistry& workers,
                        const PreparedJob& job) {
  int questions = 0;
  for (const Lane& lane : job.lanes) {
    const int64_t pixels = lane.width * lane.height;
    if (pixels_max > 0 && pixels > pixels_max) {
      return TooLarge(lane, pixels_max, "the server takes (pixels_max)");
    }
    if (pixels <= workers.least_pixels_max()) continue;
    if (++questions > kQuestionsMax) continue;
    const int64_t most = workers.PixelsMaxFor(lane);
    if (most > 0 && pixels > most) {
      return TooLarge(lane, most, "any connected worker with the model makes");
    }
  }
  return absl::OkStatus();
}

}  // namespace sheaf::server
