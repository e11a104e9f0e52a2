#include "worker/ops/cpu/cpu.h"

namespace cairn {

const Ops& cpu_ops() {
  static constexpr Ops kOps = {
      .name = "cpu",
      .zero = cpu::zero,
      .copy = cpu::copy,
      .matmul = cpu::matmul,
      .linear_forward = cpu::linear_forward,
      .linear_backward = cpu::linear_backward,
      .cross_forward = cpu::cross_forward,
      .cross_backward = cpu::cross_backward,
      .gates_forward = cpu::gates_forward,
      .gates_backward = cpu::gates_backward,
      .pool_forward = cpu::pool_forward,
      .pool_backward = cpu::pool_backward,
      .bce = cpu::bce,
      .mse = cpu::mse,
      .sigmoid = cpu::sigmoid,
  };
  return kOps;
}

}  // namespace cairn
