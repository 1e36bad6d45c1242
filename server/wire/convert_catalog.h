// Offers of workers, on the wire.
#pragma once

#include <cstdint>

#include "server/scheduling/catalog.h"
#include "server/scheduling/offers.h"
#include "sheaf/v1/admin_service.pb.h"
#include "sheaf/v1/catalog.pb.h"

namespace sheaf::server {

// The first of two models of one name counts.
Catalog FromProto(const sheaf::v1::Catalog& catalog);
// Leaves models out where the answer would take more bytes than that, and
// counts them.
void ToProto(const OfferedTogether& offered, int64_t bytes_max,
             sheaf::v1::GetCatalogResponse* out);

}  // namespace sheaf::server
