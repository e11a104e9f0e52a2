#include "worker/synthetic/planted_model.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "common/check.h"
#include "common/hash.h"
#include "common/random.h"

namespace cairn::synthetic {
namespace {

constexpr uint64_t kHead = 300;  // ids whose effects are of full size

using Latent = std::array<double, 2>;

// Two independent uniforms of mean 0 and variance 1.
Latent latent(uint64_t seed, uint64_t stream, uint64_t id) {
  const PhiloxBlock bits = philox(seed, stream, id);
  const double fade = id < kHead ? 1.0 : static_cast<double>(kHead) / static_cast<double>(id + 1);
  const auto uniform = [&](uint32_t high, uint32_t low) {
    const uint64_t word = uint64_t{high} << 32 | low;
    return std::numbers::sqrt3 * fade * (static_cast<double>(word >> 11) * 0x1p-52 - 1.0);
  };
  return {uniform(bits[0], bits[1]), uniform(bits[2], bits[3])};
}

}  // namespace

PlantedModel::PlantedModel(uint64_t seed, uint32_t task, std::vector<Term> terms)
    : seed_(seed), task_(task), terms_(std::move(terms)) {
  for (const Term& term : terms_)
    check(!term.empty() && term.size() <= kOrders, "a term has one to three factors");
}

// The sum of two products: a cross is a matrix (or cube) of rank two, whose parts embeddings can
// hold.
double PlantedModel::value(const Term& term, uint32_t number,
                           std::span<const Factor> factors) const {
  Latent product = {1.0, 1.0};
  for (size_t place = 0; place < term.size(); ++place) {
    const Factor& factor = factors[term[place]];
    if (factor.count == 0) return 0.0;
    const uint64_t stream =
        hash_key(hash_key(uint64_t{task_} << 32 | number) + static_cast<uint64_t>(place));
    Latent sum{};
    for (uint32_t i = 0; i < factor.count; ++i) {
      const Latent part = latent(seed_, stream, factor.ids[i]);
      for (size_t k = 0; k < sum.size(); ++k) sum[k] += part[k];
    }
    for (size_t k = 0; k < sum.size(); ++k) product[k] *= factor.scale * sum[k] / factor.count;
  }
  return product[0] + product[1];
}

std::array<double, kOrders> PlantedModel::sums(std::span<const Factor> factors) const {
  std::array<double, kOrders> sums{};
  for (uint32_t i = 0; i < terms_.size(); ++i)
    sums[terms_[i].size() - 1] += value(terms_[i], i, factors);
  return sums;
}

void PlantedModel::calibrate(std::span<const std::vector<Factor>> sample,
                             const std::array<double, kOrders>& deviations) {
  std::array<double, kOrders> squares{};
  means_ = {};
  double n = 0.0;
  for (const std::vector<Factor>& factors : sample) {
    const std::array<double, kOrders> x = sums(factors);
    n += 1.0;
    for (size_t o = 0; o < kOrders; ++o) {
      const double from_old = x[o] - means_[o];
      means_[o] += from_old / n;
      squares[o] += from_old * (x[o] - means_[o]);
    }
  }
  for (size_t o = 0; o < kOrders; ++o)
    weights_[o] = squares[o] > 0.0 ? deviations[o] / std::sqrt(squares[o] / n) : 0.0;
}

double PlantedModel::logit(std::span<const Factor> factors) const {
  const std::array<double, kOrders> x = sums(factors);
  double logit = 0.0;
  for (size_t o = 0; o < kOrders; ++o) logit += weights_[o] * (x[o] - means_[o]);
  return logit;
}

double sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }

double bias_for_rate(std::span<const double> logits, std::span<const double> weights, double rate) {
  double low = -30.0, high = 30.0;
  for (int step = 0; step < 60; ++step) {  // halves the interval: to the last bits of a double
    const double bias = (low + high) / 2;
    double sum = 0.0, total = 0.0;
    for (size_t i = 0; i < logits.size(); ++i) {
      sum += weights[i] * sigmoid(bias + logits[i]);
      total += weights[i];
    }
    (sum < rate * total ? low : high) = bias;
  }
  return (low + high) / 2;
}

}  // namespace cairn::synthetic
