// The formulas of the row optimizers in double, straight from their sources, one element or one row
// at a time.
#pragma once

#include <cmath>
#include <cstdint>
#include <string_view>
#include <vector>

#include "common/config/table_config.h"

namespace cairn::ps::reference {

// One row: weights [dim], and the state as it lies behind the weights.
struct Row {
  std::vector<double> w, state;
};

// The inputs of a formula besides the row.
struct Step {
  const RowOptimizerConfig& c;
  const std::vector<double>& g;
  double a;        // learning rate
  double n;        // count of the row
  double epsilon;  // of c, as double
};

// Element i of part k of the state.
inline double& part(Row& row, size_t k, size_t i) { return row.state[k * row.w.size() + i]; }
inline double norm(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value * value;
  return std::sqrt(sum);
}
inline double mean_square(const std::vector<double>& values) {
  return norm(values) * norm(values) / static_cast<double>(values.size());
}

template <typename Element>
void each(Row& row, Element element) {
  for (size_t i = 0; i < row.w.size(); ++i) element(i, row.w[i]);
}

inline void sgd(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) { w -= s.a * s.g[i]; });
}

inline void momentum(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) {
    double& v = part(row, 0, i);
    v = s.c.momentum * v + s.g[i];
    w -= s.a * v;
  });
}

inline void nesterov(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) {
    double& v = part(row, 0, i);
    v = s.c.momentum * v + s.g[i];
    w -= s.a * (s.g[i] + s.c.momentum * v);
  });
}

inline void adagrad(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) {
    part(row, 0, i) += s.g[i] * s.g[i];
    w -= s.a * s.g[i] / (std::sqrt(part(row, 0, i)) + s.epsilon);
  });
}

inline void rowwise_adagrad(Row& row, const Step& s) {
  row.state[0] += mean_square(s.g);
  each(row,
       [&](size_t i, double& w) { w -= s.a * s.g[i] / (std::sqrt(row.state[0]) + s.epsilon); });
}

inline void adagrad_decay(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) {
    double& sum = part(row, 0, i);
    sum = s.c.decay * sum + s.g[i] * s.g[i];
    w -= s.a * s.g[i] / (std::sqrt(sum) + s.epsilon);
  });
}

inline void rmsprop(Row& row, const Step& s) {
  const double decay = s.c.decay;
  each(row, [&](size_t i, double& w) {
    double& v = part(row, 0, i);
    v = decay * v + (1 - decay) * s.g[i] * s.g[i];
    w -= s.a * s.g[i] / (std::sqrt(v) + s.epsilon);
  });
}

inline void adadelta(Row& row, const Step& s) {
  const double rho = s.c.rho;
  each(row, [&](size_t i, double& w) {
    double &v = part(row, 0, i), &u = part(row, 1, i);
    v = rho * v + (1 - rho) * s.g[i] * s.g[i];
    const double d = std::sqrt(u + s.epsilon) / std::sqrt(v + s.epsilon) * s.g[i];
    u = rho * u + (1 - rho) * d * d;
    w -= s.a * d;
  });
}

// The first moment of element i after the step, with its bias corrected.
inline double first_moment(Row& row, const Step& s, size_t i) {
  const double beta1 = s.c.beta1;
  double& m = part(row, 0, i);
  m = beta1 * m + (1 - beta1) * s.g[i];
  return m / (1 - std::pow(beta1, s.n));
}
inline void second_moment(double& v, const Step& s, double square) {
  const double beta2 = s.c.beta2;
  v = beta2 * v + (1 - beta2) * square;
}
inline double unbiased_root(double v, const Step& s) {
  return std::sqrt(v / (1 - std::pow(double{s.c.beta2}, s.n)));
}
inline double adam_direction(Row& row, const Step& s, size_t i) {
  const double m = first_moment(row, s, i);
  second_moment(part(row, 1, i), s, s.g[i] * s.g[i]);
  return m / (unbiased_root(part(row, 1, i), s) + s.epsilon);
}

inline void adam(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) { w -= s.a * adam_direction(row, s, i); });
}

inline void adamw(Row& row, const Step& s) {
  each(row,
       [&](size_t i, double& w) { w -= s.a * (adam_direction(row, s, i) + s.c.weight_decay * w); });
}

inline void amsgrad(Row& row, const Step& s) {
  each(row, [&](size_t i, double& w) {
    const double m = first_moment(row, s, i);
    double &v = part(row, 1, i), &largest = part(row, 2, i);
    second_moment(v, s, s.g[i] * s.g[i]);
    largest = std::max(largest, v);
    w -= s.a * m / (unbiased_root(largest, s) + s.epsilon);
  });
}

inline void rowwise_adam(Row& row, const Step& s) {
  second_moment(row.state.back(), s, mean_square(s.g));
  each(row, [&](size_t i, double& w) {
    const double m = first_moment(row, s, i);
    w -= s.a * m / (unbiased_root(row.state.back(), s) + s.epsilon);
  });
}

inline void lamb(Row& row, const Step& s) {
  std::vector<double> d;
  each(row,
       [&](size_t i, double& w) { d.push_back(adam_direction(row, s, i) + s.c.weight_decay * w); });
  const double quotient = norm(row.w) / norm(d);
  const double trust = norm(row.w) > 0 && norm(d) > 0 ? quotient : 1;
  each(row, [&](size_t i, double& w) { w -= s.a * trust * d[i]; });
}

// The paper's form: z is not multiplied by the learning rate.
inline void ftrl(Row& row, const Step& s) {
  const double beta = s.c.beta, l1 = s.c.l1, l2 = s.c.l2;
  each(row, [&](size_t i, double& w) {
    double &stored = part(row, 0, i), &n = part(row, 1, i);
    double z = n == 0 ? -beta / s.a * w : stored / s.a;
    const double sigma = (std::sqrt(n + s.g[i] * s.g[i]) - std::sqrt(n)) / s.a;
    z += s.g[i] - sigma * w;
    n += s.g[i] * s.g[i];
    const double sign = z < 0 ? -1 : 1;
    w = std::abs(z) <= l1 ? 0 : -1 / ((beta + std::sqrt(n)) / s.a + l2) * (z - sign * l1);
    stored = z * s.a;
  });
}

struct Formula {
  std::string_view name;
  void (*step)(Row&, const Step&);
  bool state_has_signs;  // in its first part; all others are sums of squares
};
inline constexpr Formula kFormulas[] = {
    {"sgd", sgd, false},
    {"momentum", momentum, true},
    {"nesterov", nesterov, true},
    {"adagrad", adagrad, false},
    {"rowwise_adagrad", rowwise_adagrad, false},
    {"adagrad_decay", adagrad_decay, false},
    {"rmsprop", rmsprop, false},
    {"adadelta", adadelta, false},
    {"adam", adam, true},
    {"adamw", adamw, true},
    {"amsgrad", amsgrad, true},
    {"rowwise_adam", rowwise_adam, true},
    {"lamb", lamb, true},
    {"ftrl", ftrl, true},
};

}  // namespace cairn::ps::reference
