// The products of a step alone, back to back by oneDNN: what no training step can be faster than.
#pragma once

#include <memory>
#include <span>

#include "bench/step/models.h"

namespace cairn::step {

// Numbers in row-major matrices as a step has them, f32 results; `bf16`: of the factors.
class Floor {
 public:
  Floor(std::span<const Product> products, bool bf16);
  ~Floor();

  void run(int threads);  // all products once

 private:
  struct Products;
  std::unique_ptr<Products> products_;
};

}  // namespace cairn::step
