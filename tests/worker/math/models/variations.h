// The models that tests of whole models go through, each a change of the example's: a new layer is
// a line here, and its definition in the reference model.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "worker/math/models/model.h"

namespace cairn::math {

struct Variation {
  const char* name;  // so that the lists stand before any test is registered
  void (*change)(ModelConfig&, ModelShape&);
};
inline void PrintTo(const Variation& variation, std::ostream* out) { *out << variation.name; }

std::vector<Variation> model_variations();

}  // namespace cairn::math
