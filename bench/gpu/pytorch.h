// The same cases in PyTorch of this machine (bench/gpu/torch_gpu.py), as a child of this program.
#pragma once

#include <map>
#include <span>
#include <string>

namespace cairn::gpu {

struct PyTorchTime {
  double device = 0, wall = 0;  // seconds, as those of our cases; 0: not measured
};

struct PyTorch {
  std::string version;                                 // empty: it did not run
  std::map<std::string, PyTorchTime> eager, compiled;  // by case
};

// Prints what the script says about cases that it could not measure. It is ended after `seconds`,
// and what it has measured by then counts.
PyTorch run_pytorch(const std::string& python, const std::string& script, double seconds,
                    std::span<const std::string> cases);

}  // namespace cairn::gpu
