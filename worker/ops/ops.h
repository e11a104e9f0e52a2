// The operations of the mathematics, as a table of plain functions: one table a backend, chosen
// once by the job's device. Every operation is deterministic: the same inputs and shapes give the
// same bits, on any thread, with the same number of math threads. Shapes that disagree are a bug
// and end the process. Thread safety: the functions keep no state that threads share.
#pragma once

#include <span>
#include <string_view>

#include "common/result.h"
#include "worker/ops/cross.h"
#include "worker/ops/embedding.h"
#include "worker/ops/gates.h"
#include "worker/ops/linear.h"
#include "worker/ops/loss.h"
#include "worker/ops/matmul.h"
#include "worker/tensor/arena.h"

namespace cairn {

struct Ops {
  std::string_view name;

  void (*zero)(Matrix y);
  void (*copy)(ConstMatrix x, const Gradient& y);  // y = x, or y += x

  void (*matmul)(Factor a, Factor b, const Gradient& c);

  void (*linear_forward)(const LinearInputs& in, Matrix y);
  // `dy` is used up: it may hold anything afterwards.
  void (*linear_backward)(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                          const LinearGradients& out);

  void (*cross_forward)(const CrossInputs& in, Matrix mixed, Matrix y);
  void (*cross_backward)(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                         const CrossGradients& out);

  void (*gates_forward)(const GateInputs& in, Matrix probabilities,
                        std::span<const Matrix> outputs);
  void (*gates_backward)(const GateInputs& in, ConstMatrix probabilities,
                         std::span<const Matrix> doutputs, const GateGradients& out);

  void (*pool_forward)(const BagView& bag, ConstMatrix table, Matrix y);
  void (*pool_backward)(const BagView& bag, ConstMatrix dy, const Gradient& table);

  // The sum of the loss over the batch, unscaled.
  double (*bce)(const LossInputs& in, Matrix predictions, Matrix dlogits);
  double (*mse)(const LossInputs& in, Matrix predictions, Matrix dlogits);
  void (*sigmoid)(ConstMatrix logits, Matrix predictions);
};

const Ops& cpu_ops();
// Errors: kUnavailable where this build has no CUDA.
Result<const Ops*> cuda_ops();

// "cpu" or "cuda". Errors: kInvalidArgument for another name, kUnavailable as above.
Result<const Ops*> ops_of_device(std::string_view device);

// Threads that operations called by the calling thread may use; at first 1, so that the bits of a
// worker do not depend on the machine's cores.
void set_math_threads(int threads);
int math_threads();

}  // namespace cairn
