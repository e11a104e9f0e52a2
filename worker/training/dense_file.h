// The dense parameters of a checkpoint and the state of their optimizer, as one safetensors file:
// an 8-byte length, that many bytes of JSON, then float32 values. Tensors "<parameter>" and
// "optimizer.<state>.<parameter>". The same parameters give the same bytes. They stand, as the
// optimizer's state does, in the model's memory, which may be a device's; the file does not tell.
// Format: https://github.com/huggingface/safetensors. Thread safety: plain functions.
#pragma once

#include <filesystem>
#include <string>

#include "common/result.h"
#include "worker/math/models/model.h"

namespace cairn::training {

std::string write_dense(math::Model& model, math::DenseOptimizer& optimizer);

// Errors: kCorrupt where the file is damaged or cut short, kInvalidArgument where its tensors are
// not those of this model and optimizer; the message names the first that differs. Nothing is
// changed then.
Status read_dense(const std::filesystem::path& file, math::Model& model,
                  math::DenseOptimizer& optimizer);

}  // namespace cairn::training
