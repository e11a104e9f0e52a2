#include "ps/row/initializer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "common/random.h"

namespace cairn::ps {

namespace {

// Sets these draws apart from those that others make with the job's seed.
constexpr uint64_t kPurpose = 0x726f77732d30ull;  // "rows-0"

// Uniform in (0, 1]: a logarithm of it is finite.
double above_zero(uint32_t bits) { return (static_cast<double>(bits) + 1.0) * 0x1p-32; }

// Two standard normals of two draws, by Box and Muller (1958).
void normal_pair(uint32_t u, uint32_t v, double scale, float* two) {
  const double radius = scale * std::sqrt(-2.0 * std::log(above_zero(u)));
  const double angle = 2.0 * std::numbers::pi * above_zero(v);
  two[0] = static_cast<float>(radius * std::cos(angle));
  two[1] = static_cast<float>(radius * std::sin(angle));
}

void draw_four(const InitializerConfig& config, const PhiloxBlock& bits, float* four) {
  if (config.kind == Initializer::kUniform) {
    for (int i = 0; i < 4; ++i) four[i] = config.scale * (2.0f * unit_float(bits[i]) - 1.0f);
    return;
  }
  normal_pair(bits[0], bits[1], config.scale, four);
  normal_pair(bits[2], bits[3], config.scale, four + 2);
}

}  // namespace

void initial_weights(const InitializerConfig& config, uint64_t seed, uint32_t table, Key key,
                     std::span<float> weights) {
  if (config.kind == Initializer::kZero) {
    std::ranges::fill(weights, 0.0f);
    return;
  }
  const uint64_t philox_key = hash_key(seed ^ kPurpose);
  for (size_t place = 0; place < weights.size(); place += 4) {
    float four[4];
    draw_four(config, philox(philox_key, key, uint64_t{table} << 32 | place / 4), four);
    std::copy_n(four, std::min<size_t>(4, weights.size() - place), weights.begin() + place);
  }
}

}  // namespace cairn::ps
