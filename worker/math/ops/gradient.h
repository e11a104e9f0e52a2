// Where an operation's backward leaves the gradient of one input.
#pragma once

#include "worker/math/tensor/tensor.h"

namespace cairn::math {

enum class Write : uint8_t { kReplace, kAdd };

// Empty: nobody wants this gradient. The first writer replaces what is there, so that nothing has
// to be zeroed before; later writers add.
struct Gradient {
  Matrix into;
  Write write = Write::kReplace;

  bool wanted() const { return !into.empty(); }
  bool adds() const { return write == Write::kAdd; }
  Gradient columns(size_t first, size_t count) const {
    if (!wanted()) return {};
    return {into.columns(first, count), write};
  }
};

}  // namespace cairn::math
