#include "worker/math/nn/cross_low_rank.h"

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"

namespace cairn::math::nn {
namespace {

constexpr Activation kLinear = Activation::kNone;

uint32_t narrow(size_t value) { return static_cast<uint32_t>(value); }

}  // namespace

LowRankCross::LowRankCross(Parameters& parameters, const std::string& name, size_t dim,
                           size_t layers, size_t rank)
    : dim_(dim) {
  const float limit = glorot_limit(dim, rank);
  for (size_t i = 0; i < layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    Variable* v = parameters.add(layer + ".v", {narrow(rank), narrow(dim)}, limit);
    Variable* u = parameters.add(layer + ".u", {narrow(dim), narrow(rank)}, limit);
    Variable* bias = parameters.add(layer + ".bias", {narrow(dim)}, 0.0f);
    layers_.push_back({v, u, bias});
  }
}

Variable* LowRankCross::forward(Tape& tape, const Features& in) const {
  Variable* x = in.x0;
  for (const Layer& layer : layers_) {
    Variable* thin = autograd::linear(tape, x, layer.v, nullptr, kLinear);
    Variable* mixed = autograd::linear(tape, thin, layer.u, layer.bias, kLinear);
    x = autograd::combine(tape, in.x0, mixed, x);
  }
  return x;
}

MixtureCross::MixtureCross(Parameters& parameters, const std::string& name, size_t dim,
                           size_t layers, size_t rank, size_t experts)
    : dim_(dim), experts_(experts) {
  const uint32_t d = narrow(dim), r = narrow(rank), n = narrow(experts);
  for (size_t i = 0; i < layers; ++i) {
    const std::string layer = name + "." + std::to_string(i);
    Variable* v = parameters.add(layer + ".v", {n, r, d}, glorot_limit(dim, rank));
    Variable* c = parameters.add(layer + ".c", {n, r, r}, glorot_limit(rank, rank));
    Variable* u = parameters.add(layer + ".u", {d, n * r}, glorot_limit(dim, rank));
    Variable* gate = parameters.add(layer + ".gate", {n, d}, glorot_limit(dim, experts));
    Variable* bias = parameters.add(layer + ".bias", {d}, 0.0f);
    layers_.push_back({v, c, u, gate, bias});
  }
}

Variable* MixtureCross::forward(Tape& tape, const Features& in) const {
  Variable* x = in.x0;
  for (const Layer& layer : layers_) {
    const auto tanh = [&](Variable* h) { return autograd::activation(tape, Activation::kTanh, h); };
    Variable* thin = tanh(autograd::linear(tape, x, layer.v, nullptr, kLinear));
    Variable* turned = tanh(autograd::linear(tape, thin, layer.c, nullptr, kLinear, experts_));
    Variable* logits = autograd::linear(tape, x, layer.gate, nullptr, kLinear);
    Variable* gated = autograd::gate_scale(tape, logits, turned);
    Variable* mixed = autograd::linear(tape, gated, layer.u, layer.bias, kLinear);
    x = autograd::combine(tape, in.x0, mixed, x);
  }
  return x;
}

}  // namespace cairn::math::nn
