// The dense parameters of a checkpoint and the state of their optimizer, as one safetensors file:
// tensors "<parameter>" and "optimizer.<state>.<parameter>". The same values give the same bytes.
// The optimizer's state stands in the memory of a device or the host; the file does not tell.
// Thread safety: plain functions.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"
#include "worker/math/optimizers/dense_optimizer.h"
#include "worker/math/tensor/memory.h"
#include "worker/version/model_version.h"

namespace cairn::training {

// `memory`: that the optimizer's state stands in.
std::string write_dense(const version::ModelVersion& version, math::DenseOptimizer& optimizer,
                        math::Memory& memory);

// Reads the optimizer's state; version::read_version reads the rest. Errors, each naming the file:
// kNotFound; kCorrupt for a damaged file; kInvalidArgument where its tensors are not those of this
// optimizer. The message names the first that differs. Nothing is changed then.
Status read_optimizer_state(const std::filesystem::path& file,
                            const version::ModelDefinition& definition,
                            math::DenseOptimizer& optimizer, math::Memory& memory);

}  // namespace cairn::training
