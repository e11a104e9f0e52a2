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
      .gate_scale_forward = cpu::gate_scale_forward,
      .gate_scale_backward = cpu::gate_scale_backward,
      .activation_forward = cpu::activation_forward,
      .activation_backward = cpu::activation_backward,
      .layer_norm_forward = cpu::layer_norm_forward,
      .layer_norm_backward = cpu::layer_norm_backward,
      .column_sums = cpu::column_sums,
      .column_squares = cpu::column_squares,
      .normalize = cpu::normalize,
      .normalize_sums = cpu::normalize_sums,
      .normalize_backward = cpu::normalize_backward,
      .dropout_forward = cpu::dropout_forward,
      .dropout_backward = cpu::dropout_backward,
      .combine_forward = cpu::combine_forward,
      .combine_backward = cpu::combine_backward,
      .vector_cross_forward = cpu::vector_cross_forward,
      .vector_cross_backward = cpu::vector_cross_backward,
      .pairs_forward = cpu::pairs_forward,
      .pairs_backward = cpu::pairs_backward,
      .dots_forward = cpu::dots_forward,
      .dots_backward = cpu::dots_backward,
      .number_fields_forward = cpu::number_fields_forward,
      .number_fields_backward = cpu::number_fields_backward,
      .sum_groups_forward = cpu::sum_groups_forward,
      .sum_groups_backward = cpu::sum_groups_backward,
      .pool_forward = cpu::pool_forward,
      .pool_backward = cpu::pool_backward,
      .bce = cpu::bce,
      .mse = cpu::mse,
      .focal = cpu::focal,
      .huber = cpu::huber,
      .bce_of_product = cpu::bce_of_product,
      .pairwise = cpu::pairwise,
      .sigmoid = cpu::sigmoid,
      .product_of_sigmoids = cpu::product_of_sigmoids,
  };
  return kOps;
}

}  // namespace cairn
