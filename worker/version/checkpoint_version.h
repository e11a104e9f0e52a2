// The version of a model that a checkpoint holds: the parameters of dense.safetensors and the
// statistics of features.json. docs/storage.md lists a checkpoint's files. Thread safety: plain
// functions.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/checkpoint/manifest.h"
#include "common/formats/safetensors.h"
#include "common/result.h"
#include "worker/version/model_version.h"

namespace cairn::version {

inline constexpr const char* kDenseFile = "dense.safetensors";
inline constexpr const char* kStatisticsFile = "features.json";
// Tensors whose names begin so are of the optimizer. A version has none.
inline constexpr std::string_view kOptimizerPrefix = "optimizer.";

// Errors: those of read_manifest; kInvalidArgument where the checkpoint's tables are not those of
// the job.
Result<CheckpointManifest> read_manifest_of(const std::filesystem::path& folder,
                                            const JobConfig& job);

// `step`: of the checkpoint's manifest. Errors, each naming the file: kNotFound; kCorrupt for a
// damaged file; kInvalidArgument where statistics or tensors are not those of the definition. The
// message names the first tensor that differs.
Result<VersionPtr> read_version(const std::filesystem::path& folder, uint64_t step,
                                std::shared_ptr<const ModelDefinition> definition);

// A file of tensors as a whole. Errors: kNotFound, kCorrupt, naming it.
Result<Safetensors> read_safetensors(const std::filesystem::path& file);

// The bytes of a float32 tensor. Errors: kInvalidArgument where it is missing or has another type
// or shape, which the message says.
Result<std::string_view> tensor_bytes(const Safetensors& tensors, const std::string& name,
                                      std::span<const uint32_t> shape);

}  // namespace cairn::version
