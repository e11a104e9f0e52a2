#include "tests/worker/models/reference_dcn.h"

#include <algorithm>
#include <cmath>

namespace cairn {

// One group's part of a layer whose groups stand one after the other.
Doubles ReferenceDcn::layer(const std::string& name, const Doubles& x, bool relu, size_t group,
                            size_t groups) const {
  const Doubles &w = parameters.at(name + ".weight"), &b = parameters.at(name + ".bias");
  const size_t out = b.size() / groups, in = x.size();
  Doubles y(out);
  for (size_t o = 0; o < out; ++o) {
    double sum = b[group * out + o];
    for (size_t i = 0; i < in; ++i) sum += w[(group * out + o) * in + i] * x[i];
    if (relu) closest_kink_ = std::min(closest_kink_, std::abs(sum));
    y[o] = relu && sum < 0 ? 0 : sum;
  }
  return y;
}

Doubles ReferenceDcn::features(const ReferenceInput& input, size_t row) const {
  Doubles x;
  for (size_t b = 0; b < shape_.bags.size(); ++b) {
    const size_t dim = shape_.table_dims[shape_.bags[b].table];
    const auto& indices = input.bags[b][row];
    Doubles pooled(dim, 0.0);
    for (const uint32_t index : indices)
      for (size_t i = 0; i < dim; ++i)
        pooled[i] += input.tables[shape_.bags[b].table][index * dim + i];
    if (shape_.bags[b].pooling == Pooling::kMean && !indices.empty())
      for (double& v : pooled) v /= static_cast<double>(indices.size());
    x.insert(x.end(), pooled.begin(), pooled.end());
  }
  for (size_t i = 0; i < shape_.dense_columns; ++i)
    x.push_back(input.dense[row * shape_.dense_columns + i]);
  return x;
}

Doubles ReferenceDcn::mixture(const Doubles& x, size_t task) const {
  Doubles gate = layer("head.gates.0", x, false, task, config_.tasks.size());
  double sum = 0;
  for (double& g : gate) sum += g = std::exp(g);
  Doubles mixed(config_.expert_units.back(), 0.0);
  for (size_t e = 0; e < config_.experts; ++e) {
    Doubles h = x;
    for (size_t l = 0; l < config_.expert_units.size(); ++l)
      h = layer("head.experts." + std::to_string(l), h, config_.activation == Activation::kRelu, e,
                config_.experts);
    for (size_t u = 0; u < mixed.size(); ++u) mixed[u] += gate[e] / sum * h[u];
  }
  return mixed;
}

Doubles ReferenceDcn::logits(const ReferenceInput& input, size_t row) const {
  const bool relu = config_.activation == Activation::kRelu;
  const Doubles x0 = features(input, row);
  Doubles crossed = x0;
  for (size_t l = 0; l < config_.cross_layers; ++l) {
    const Doubles mixed = layer("cross." + std::to_string(l), crossed, false);
    for (size_t i = 0; i < x0.size(); ++i) crossed[i] = x0[i] * mixed[i] + crossed[i];
  }
  Doubles deep = config_.structure == Structure::kStacked ? crossed : x0;
  for (size_t l = 0; l < config_.deep_units.size(); ++l)
    deep = layer("deep." + std::to_string(l), deep, relu);

  Doubles shared;
  if (config_.structure == Structure::kStacked) {
    shared = deep;
  } else {
    if (config_.cross_layers > 0 || config_.deep_units.empty()) shared = crossed;
    if (!config_.deep_units.empty()) shared.insert(shared.end(), deep.begin(), deep.end());
  }

  Doubles result;
  for (size_t t = 0; t < config_.tasks.size(); ++t) {
    Doubles h = shared;
    if (config_.head == Head::kMmoe) {
      h = mixture(shared, t);
    } else {
      for (size_t l = 0; l < config_.expert_units.size(); ++l)
        h = layer("head.bottom." + std::to_string(l), h, relu);
    }
    const std::string tower = "tower." + config_.tasks[t].name + ".";
    for (size_t l = 0; l < config_.tower_units.size(); ++l)
      h = layer(tower + std::to_string(l), h, relu);
    result.push_back(layer(tower + std::to_string(config_.tower_units.size()), h, false)[0]);
  }
  return result;
}

Doubles ReferenceDcn::predict(const ReferenceInput& input) const {
  Doubles all;
  for (size_t r = 0; r < input.rows; ++r) {
    const Doubles z = logits(input, r);
    for (size_t t = 0; t < z.size(); ++t)
      all.push_back(config_.tasks[t].loss == Loss::kBce ? 1 / (1 + std::exp(-z[t])) : z[t]);
  }
  return all;
}

Doubles ReferenceDcn::losses(const ReferenceInput& input) const {
  const size_t tasks = config_.tasks.size();
  Doubles losses(tasks, 0.0);
  for (size_t r = 0; r < input.rows; ++r) {
    const Doubles z = logits(input, r);
    for (size_t t = 0; t < tasks; ++t) {
      const double y = input.labels[r * tasks + t];
      // Of the logit: -y log(p) - (1 - y) log(1 - p) itself would lose its digits where p is
      // near 1.
      losses[t] += (config_.tasks[t].loss == Loss::kBce ? std::log1p(std::exp(z[t])) - y * z[t]
                                                        : (z[t] - y) * (z[t] - y)) /
                   input.divisor;
    }
  }
  return losses;
}

double ReferenceDcn::objective(const ReferenceInput& input) const {
  const Doubles each = losses(input);
  double sum = 0;
  for (size_t t = 0; t < each.size(); ++t) sum += config_.tasks[t].weight * each[t];
  return sum;
}

}  // namespace cairn
