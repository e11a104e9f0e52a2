// Safetensors: named tensors in one file, as checkpoints hold dense parameters. The file is an
// 8-byte length, that many bytes of JSON, then the values of all tensors, one behind the other.
// Source: https://github.com/huggingface/safetensors, "Format".
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace cairn {

struct SafetensorsTensor {
  std::string name;
  std::string dtype;            // "F32"
  std::vector<uint64_t> shape;  // empty: one value
  std::string_view bytes;       // the values, little-endian, the last dimension fastest
};

// A file that was read and checked as a whole. Thread safety: const.
class Safetensors {
 public:
  // Errors: kCorrupt where `file` is not exactly one valid file. Every dtype has a known size, each
  // tensor has the bytes of its shape, and the tensors fill the data without holes, overlaps or a
  // rest. A name that comes twice and a key that the format does not know are refused.
  static Result<Safetensors> parse(std::string_view file);

  // Null where there is none.
  const SafetensorsTensor* find(std::string_view name) const;
  // In the order of their values in the file.
  std::span<const SafetensorsTensor> tensors() const { return tensors_; }

 private:
  std::vector<char> data_;  // that the tensors' bytes point into
  std::vector<SafetensorsTensor> tensors_;
};

struct TensorShape {
  std::string name;
  std::vector<uint32_t> shape;
};

// A file of float32 tensors. `fill` writes the values of tensors[i] to `bytes`. The same tensors
// and values give the same file.
std::string write_safetensors(std::span<const TensorShape> tensors,
                              const std::function<void(size_t i, std::span<char> bytes)>& fill);

}  // namespace cairn
