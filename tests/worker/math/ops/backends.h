// The backends that tests of operations run on: all that this build and this machine have.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "worker/math/ops/ops.h"

namespace cairn::math {

namespace cuda_on_host {
const Ops& table();  // the operations of GPUs, as tests/worker/kernels.cmake compiles them
}

// The GPU's, where there is one; from then on a test's numbers stand where both can touch them, and
// every operation is waited for. Else null.
const Ops* gpu_backend();

inline std::vector<const Ops*> backends_in_this_build() {
  std::vector<const Ops*> backends = {&cpu_ops(), &cuda_on_host::table()};
  if (const Ops* gpu = gpu_backend()) backends.push_back(gpu);
  return backends;
}

inline std::string backend_name(const testing::TestParamInfo<const Ops*>& info) {
  return std::string(info.param->name);
}

// A fixture of the tests of one operation.
class OpsTest : public testing::TestWithParam<const Ops*> {
 protected:
  const Ops& ops = *GetParam();
  Arena arena{ops.memory()};
};

}  // namespace cairn::math
