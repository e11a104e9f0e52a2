// What the tests of operations run on: every backend that this build and this machine have.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "worker/ops/ops.h"

namespace cairn {

inline std::vector<const Ops*> backends_in_this_build() {
  std::vector<const Ops*> backends = {&cpu_ops()};
  if (const Result<const Ops*> cuda = cuda_ops(); cuda.ok()) backends.push_back(cuda.value());
  return backends;
}

inline std::string backend_name(const testing::TestParamInfo<const Ops*>& info) {
  return std::string(info.param->name);
}

// A fixture of the tests of one operation.
class OpsTest : public testing::TestWithParam<const Ops*> {
 protected:
  const Ops& ops = *GetParam();
  Arena arena;
};

}  // namespace cairn
