#include "worker/math/ops/optimizer.h"

#include <cmath>

#include "common/check.h"
#include "common/simd.h"
#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math::cpu {
namespace {

CAIRN_SIMD void sgd_loop(float* __restrict w, const float* __restrict g, size_t count, float rate) {
  for (size_t i = 0; i < count; ++i) w[i] -= rate * g[i];
}

CAIRN_SIMD void momentum_loop(float* __restrict w, float* __restrict u, const float* __restrict g,
                              size_t count, float rate, float c) {
  for (size_t i = 0; i < count; ++i) {
    u[i] = c * u[i] + g[i];
    w[i] -= rate * u[i];
  }
}

CAIRN_SIMD void nesterov_loop(float* __restrict w, float* __restrict u, const float* __restrict g,
                              size_t count, float rate, float c) {
  for (size_t i = 0; i < count; ++i) {
    u[i] = c * u[i] + g[i];
    w[i] -= rate * (g[i] + c * u[i]);
  }
}

CAIRN_SIMD void adagrad_loop(float* __restrict w, float* __restrict s, const float* __restrict g,
                             size_t count, const AdagradFactors& f) {
  for (size_t i = 0; i < count; ++i) {
    s[i] += g[i] * g[i];
    w[i] -= f.rate * g[i] / (std::sqrt(f.initial + s[i]) + f.epsilon);
  }
}

CAIRN_SIMD void adam_loop(float* __restrict w, float* __restrict m, float* __restrict v,
                          const float* __restrict g, size_t count, const AdamFactors& f) {
  for (size_t i = 0; i < count; ++i) {
    m[i] = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    v[i] = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    w[i] -= f.unbiased_rate * m[i] / (std::sqrt(v[i]) * f.root_unbiased + f.epsilon);
  }
}

CAIRN_SIMD void adamw_loop(float* __restrict w, float* __restrict m, float* __restrict v,
                           const float* __restrict g, const float* __restrict decay, size_t count,
                           const AdamFactors& f) {
  for (size_t i = 0; i < count; ++i) {
    m[i] = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    v[i] = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    w[i] -= f.rate *
            (f.unbiased * m[i] / (std::sqrt(v[i]) * f.root_unbiased + f.epsilon) + decay[i] * w[i]);
  }
}

CAIRN_SIMD void direction_loop(const float* __restrict w, float* __restrict m, float* __restrict v,
                               const float* __restrict g, const float* __restrict decay,
                               float* __restrict u, size_t count, const AdamFactors& f) {
  for (size_t i = 0; i < count; ++i) {
    m[i] = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    v[i] = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    u[i] = f.unbiased * m[i] / (std::sqrt(v[i]) * f.root_unbiased + f.epsilon) + decay[i] * w[i];
  }
}

CAIRN_SIMD void scale_loop(float* x, size_t count, float factor) {
  for (size_t i = 0; i < count; ++i) x[i] *= factor;
}

double norm(std::span<const float> x) {
  double sum = 0.0;
  for (const float value : x) sum += double{value} * value;
  return std::sqrt(sum);
}

void check_sizes(const AdamSpans& s) {
  check(s.w.size() == s.g.size() && s.m.size() == s.g.size() && s.v.size() == s.g.size(),
        "adam: values, state and gradients differ in size");
}

}  // namespace

void sgd(std::span<float> w, std::span<const float> g, float rate) {
  check(w.size() == g.size(), "sgd: values and gradients differ in size");
  sgd_loop(w.data(), g.data(), w.size(), rate);
}

void momentum(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
              float c) {
  check(w.size() == g.size() && u.size() == g.size(),
        "momentum: values, state and gradients differ in size");
  momentum_loop(w.data(), u.data(), g.data(), w.size(), rate, c);
}

void nesterov(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
              float c) {
  check(w.size() == g.size() && u.size() == g.size(),
        "nesterov: values, state and gradients differ in size");
  nesterov_loop(w.data(), u.data(), g.data(), w.size(), rate, c);
}

void adagrad(std::span<float> w, std::span<float> s, std::span<const float> g,
             const AdagradFactors& f) {
  check(w.size() == g.size() && s.size() == g.size(),
        "adagrad: values, state and gradients differ in size");
  adagrad_loop(w.data(), s.data(), g.data(), w.size(), f);
}

void adam(const AdamSpans& s, const AdamFactors& f) {
  check_sizes(s);
  adam_loop(s.w.data(), s.m.data(), s.v.data(), s.g.data(), s.w.size(), f);
}

void adamw(const AdamSpans& s, std::span<const float> decay, const AdamFactors& f) {
  check_sizes(s);
  check(decay.size() == s.w.size(), "adamw: decay and values differ in size");
  adamw_loop(s.w.data(), s.m.data(), s.v.data(), s.g.data(), decay.data(), s.w.size(), f);
}

void adam_direction(const AdamSpans& s, std::span<const float> decay, const AdamFactors& f,
                    std::span<float> u) {
  check_sizes(s);
  check(decay.size() == s.w.size() && u.size() == s.w.size(),
        "adam direction: decay, direction and values differ in size");
  direction_loop(s.w.data(), s.m.data(), s.v.data(), s.g.data(), decay.data(), u.data(), s.w.size(),
                 f);
}

void move_by_norms(std::span<float> w, std::span<const float> u, float rate) {
  check(w.size() == u.size(), "move by norms: values and direction differ in size");
  const double of_w = norm(w), of_u = norm(u);
  const float ratio = of_w > 0.0 && of_u > 0.0 ? static_cast<float>(of_w / of_u) : 1.0f;
  sgd_loop(w.data(), u.data(), w.size(), rate * ratio);
}

void clip(std::span<float> g, float norm_max) {
  const double of_g = norm(g), most = norm_max;
  if (of_g > most) scale_loop(g.data(), g.size(), static_cast<float>(most / of_g));
}

}  // namespace cairn::math::cpu
