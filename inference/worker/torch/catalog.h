// The models that a worker offers, as it tells the server: names, defaults, and
// the names that runs may use with them. Reads the models' small files; loads
// nothing.
#pragma once

#include "inference/worker/torch/model_list.h"
#include "sheaf/v1/catalog.pb.h"

namespace sheaf::worker {

// Leaves out the facts of a model that its files do not tell.
v1::Catalog CatalogOf(const ModelList& models);

}  // namespace sheaf::worker
