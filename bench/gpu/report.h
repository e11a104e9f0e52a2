// Results as tables in Markdown.
#pragma once

#include <span>
#include <string>

#include "bench/gpu/product_rates.h"
#include "bench/gpu/pytorch.h"

namespace cairn::gpu {

struct Measured {
  std::string name;
  double device = 0, wall = 0, floor = 0;  // seconds; 0: there is none
};

// Floating-point operations per second of products in both precisions, a line a shape.
void print_products(std::span<const ProductRates::Rate> rates);
void print_cases(std::span<const Measured> cases, const PyTorch& pytorch);

}  // namespace cairn::gpu
