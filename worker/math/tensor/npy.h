// Tensors in files that NumPy reads and writes: .npy holds one, .npz named ones.
// Formats: numpy.lib.format, versions 1 to 3; .npz is a ZIP archive of NAME.npy, stored or deflated
// (numpy.savez, numpy.savez_compressed). Types: float32, float64 and int64, little-endian. NumPy
// has no bf16, so it is refused: cast it.
//
// Every number in a file is treated as hostile. Errors: kNotFound, kUnavailable (cannot be read or
// written), kCorrupt; each names the file and what is wrong with it.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "common/result.h"
#include "worker/math/tensor/arena.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math {

// The numbers stand in the arena.
Result<Tensor> read_npy(const std::filesystem::path& file, Arena& arena);
Result<std::map<std::string, Tensor>> read_npz(const std::filesystem::path& file, Arena& arena);

// Written row-major, whatever the tensors' strides; .npz is stored, not compressed.
Status write_npy(const std::filesystem::path& file, const Tensor& tensor);
Status write_npz(const std::filesystem::path& file, const std::map<std::string, Tensor>& tensors);

}  // namespace cairn::math
