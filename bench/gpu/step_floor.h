// The floor under a training step on a GPU, from rates measured beside it:
//
//   floor = sum over products of 2 m n k / rate(m, n, k)  +  sum over passes of bytes / copy rate
//
// Products are those of bench/step/models.h, each at the rate of that very product running alone;
// bias and ReLU ride on them. Passes are what is elementwise and rides on no product. Each counts
// the bytes that it must read and write if it touches nothing twice, everything in float32, and
// with bf16 also the rounded copy (F = 2 bytes) of what becomes a factor of a product; a gradient
// that is nothing but a factor takes D = 4 bytes, rounded 2. Sorting ids, joining columns and
// adding up products' parts count nothing.
//
// Bytes of the passes: B rows, W columns of x0, of which V are vectors; N = B * bags ids of U
// unique rows of V / bags floats; E experts of X units, T tasks; P parameters:
//
//   pool forward       4 N + 4 U V / bags + B (4 W + F W) + 4 B (W - V), the numbers being copied
//   pool backward      4 N + 4 U V / bags + 4 B V
//   cross forward      B W (16 + F) a layer: x0, x and the product read, y written; the first has
//                      x = x0: 4 less; the last one's y is no factor: F less
//   cross backward     B W (12 + D + 8) a layer: dy, x0 and the product read, its gradient written,
//                      dx0 read and written; the last layer is the first here: 4 less
//   relu backward      B u (8 + D) a layer of u units: dy and y read, the product's gradient left
//   rounding           B F for each column of a factor that a product leaves: of hidden layers, of
//                      the head's input, of the towers' inputs
//   gates              forward and backward: B (4 (E X + 2 T E + T X) + 4 (2 E X + 2 T E + T X) +
//                      T E (4 + F)), the last for the sums of their biases
//   logits             B T (12 u + 16), u units of the layer before: products of one column, losses
//   dense optimizer    P (28 + F): Adam reads w, m, v and g and writes w, m and v
#pragma once

#include <string>
#include <vector>

#include "bench/gpu/product_rates.h"
#include "bench/step/models.h"

namespace cairn::gpu {

struct Pass {
  std::string name;
  double bytes;
};

struct StepSizes {
  size_t batch, unique_rows, parameters;
};

std::vector<Pass> passes_of(const step::StepModel& model, const StepSizes& sizes,
                            Precision precision);

struct Floor {
  double products = 0, passes = 0;  // seconds

  double seconds() const { return products + passes; }
};
// `copy_rate`: bytes per second, read and written.
Floor floor_of(const step::StepModel& model, const StepSizes& sizes, Precision precision,
               ProductRates& rates, double copy_rate);

}  // namespace cairn::gpu
