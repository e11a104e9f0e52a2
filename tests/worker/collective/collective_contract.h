// The contract of every Collective. The same tests run over threads (memory_collective_test), over
// processes (mpi_collective_test) and over devices that the host plays (staged_collective_test,
// nccl_collective_test); each of these sources instantiates the suite.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "worker/collective/collective.h"

namespace cairn::collective {

struct CollectiveKind {
  std::string name;
  // Runs the body once on every rank and returns when all ranks of this process are done. The seed
  // is the same on all ranks.
  std::function<void(std::function<void(Collective&, uint64_t seed)> body)> on_every_rank;
};

class CollectiveContract : public testing::TestWithParam<CollectiveKind> {};

}  // namespace cairn::collective
