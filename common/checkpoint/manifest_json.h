// A manifest as JSON and back. Only manifest.cpp includes this, so no one else needs the library.
// Thread safety: pure functions.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "common/checkpoint/manifest.h"

namespace cairn {

nlohmann::json manifest_to_json(const CheckpointManifest& manifest);

// Treats every field as hostile: its type, its bounds, and names that would lead out of the folder.
// Errors: kCorrupt, naming the field.
Result<CheckpointManifest> manifest_from_json(const nlohmann::json& object);

}  // namespace cairn
