#include "tests/worker/math/models/reference_model.h"

#include <algorithm>
#include <cmath>

#include "common/random.h"

namespace cairn::math {
namespace {

Doubles joined(const Doubles& a, const Doubles& b) {
  Doubles all = a;
  all.insert(all.end(), b.begin(), b.end());
  return all;
}

Rows joined(Rows a, const Rows& b) {
  for (size_t r = 0; r < a.size(); ++r) a[r] = joined(a[r], b[r]);
  return a;
}

Doubles softmax(Doubles logits) {
  double sum = 0;
  for (double& g : logits) sum += g = std::exp(g);
  for (double& g : logits) g /= sum;
  return logits;
}

double inner(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

}  // namespace

Rows ReferenceModel::linear(const std::string& weight, const std::string& bias, const Rows& x,
                            size_t group, size_t groups) const {
  const Doubles& w = parameters.at(weight);
  const Doubles* b = parameters.contains(bias) ? &parameters.at(bias) : nullptr;
  Rows y;
  for (const Doubles& in : x) {
    const size_t out = w.size() / in.size() / groups;
    Doubles& sums = y.emplace_back(out);
    for (size_t o = 0; o < out; ++o) {
      sums[o] = b ? (*b)[group * out + o] : 0;
      for (size_t i = 0; i < in.size(); ++i)
        sums[o] += w[(group * out + o) * in.size() + i] * in[i];
    }
  }
  return y;
}

Rows ReferenceModel::activate(Rows x, const std::string& layer, size_t group, size_t groups) const {
  const Activation kind = config_.activation;
  const bool kinked = kind == Activation::kRelu || kind == Activation::kPrelu;
  for (Doubles& row : x) {
    for (size_t u = 0; u < row.size(); ++u) {
      double& v = row[u];
      if (kinked) closest_kink_ = std::min(closest_kink_, std::abs(v));
      if (kind == Activation::kRelu) v = std::max(v, 0.0);
      if (kind == Activation::kGelu) v *= 0.5 * std::erfc(-v / std::sqrt(2.0));
      if (kind == Activation::kSilu) v *= logistic(v);
      if (kind == Activation::kSigmoid) v = logistic(v);
      if (kind == Activation::kTanh) v = std::tanh(v);
      if (kind == Activation::kPrelu && v < 0)
        v *= parameters.at(layer + ".slope")[group * row.size() + u];
    }
  }
  (void)groups;
  return x;
}

Rows ReferenceModel::mlp(const std::string& name, Rows x, size_t layers, size_t group,
                         size_t groups) const {
  for (size_t l = 0; l < layers; ++l) {
    const std::string layer = name + "." + std::to_string(l);
    x = activate(linear(layer + ".weight", layer + ".bias", x, group, groups), layer, group,
                 groups);
  }
  return x;
}

Rows ReferenceModel::tower(const std::string& name, Rows x, size_t layers) const {
  for (size_t l = 0; l < layers; ++l) {
    const std::string layer = name + "." + std::to_string(l);
    x = normalized(layer, linear(layer + ".weight", layer + ".bias", x));
    x = dropped(activate(x, layer, 0, 1));
  }
  return x;
}

// The batch is the whole global one.
Rows ReferenceModel::normalized(const std::string& layer, const Rows& x) const {
  if (config_.normalization == Normalization::kNone) return x;
  const auto moments = [](const Doubles& all) {
    double mean = 0, variance = 0;
    for (const double v : all) mean += v / static_cast<double>(all.size());
    for (const double v : all)
      variance += (v - mean) * (v - mean) / static_cast<double>(all.size());
    return std::pair(mean, variance);
  };
  Rows y = x;
  for (size_t r = 0; r < x.size(); ++r) {
    for (size_t u = 0; u < x[r].size(); ++u) {
      Doubles together = x[r];
      if (config_.normalization == Normalization::kBatch) {
        together.clear();
        for (const Doubles& row : x) together.push_back(row[u]);
      }
      const auto [mean, variance] = moments(together);
      y[r][u] = (x[r][u] - mean) / std::sqrt(variance + 1e-5) * parameters.at(layer + ".scale")[u] +
                parameters.at(layer + ".shift")[u];
    }
  }
  return y;
}

Rows ReferenceModel::dropped(Rows x) const {
  if (config_.dropout == 0) return x;
  const uint32_t layer = dropouts_++;
  const double threshold = std::round(config_.dropout * 65536.0);
  for (size_t r = 0; r < x.size(); ++r) {
    for (size_t u = 0; u < x[r].size(); ++u) {
      const PhiloxBlock block = philox(seed_ ^ 0x64726f706f7574, input_->step << 16 | layer,
                                       (input_->first_sample + r) << 16 | u / 8);
      const uint32_t word = block[u % 8 / 2], draw = u % 2 ? word >> 16 : word & 0xffff;
      x[r][u] *= draw < threshold ? 0 : 1 / (1 - threshold / 65536);
    }
  }
  return x;
}

Doubles ReferenceModel::pooled(const ReferenceInput& input, size_t bag, size_t row) const {
  const size_t table = shape_.bags[bag].table, dim = shape_.table_dims[table];
  const auto& indices = input.bags[bag][row];
  Doubles sum(dim, 0.0);
  const bool max = shape_.bags[bag].pooling == Pooling::kMax;
  for (size_t n = 0; n < indices.size(); ++n) {
    for (size_t i = 0; i < dim; ++i) {
      const double v = input.tables[table][indices[n] * dim + i];
      // Rows that meet are a kink as well, but for those of one id.
      if (max && n > 0 && v != sum[i])
        closest_kink_ = std::min(closest_kink_, std::abs(v - sum[i]));
      sum[i] = max && n > 0 ? std::max(v, sum[i]) : sum[i] + v;
    }
  }
  if (shape_.bags[bag].pooling == Pooling::kMean && !indices.empty())
    for (double& v : sum) v /= static_cast<double>(indices.size());
  return sum;
}

Doubles ReferenceModel::attended(const ReferenceInput& input, size_t bag, size_t row) const {
  const size_t table = shape_.bags[bag].table, dim = shape_.table_dims[table];
  const Doubles whole = pooled(input, shape_.bags[bag].target, row);
  const Doubles target(whole.begin() + static_cast<ptrdiff_t>(weights()), whole.end());
  const std::string name = "attention." + std::to_string(bag);
  const size_t layers = config_.attention_units.size();
  const std::string last = name + "." + std::to_string(layers);
  Doubles scores, sum(target.size(), 0.0);
  Rows keys;
  for (const uint32_t index : input.bags[bag][row]) {
    Doubles& key = keys.emplace_back();
    for (size_t i = weights(); i < dim; ++i) key.push_back(input.tables[table][index * dim + i]);
    Doubles x = joined(key, target);
    for (size_t i = 0; i < key.size(); ++i) x.push_back(key[i] - target[i]);
    for (size_t i = 0; i < key.size(); ++i) x.push_back(key[i] * target[i]);
    scores.push_back(linear(last + ".weight", last + ".bias", mlp(name, {x}, layers))[0][0]);
  }
  if (config_.attention_softmax) scores = softmax(scores);
  for (size_t n = 0; n < keys.size(); ++n)
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += scores[n] * keys[n][i];
  return sum;
}

Rows ReferenceModel::vectors(const ReferenceInput& input) const {
  Rows all(input.samples);
  for (size_t r = 0; r < input.samples; ++r) {
    for (size_t b = 0; b < shape_.bags.size(); ++b) {
      if (shape_.bags[b].pooling == Pooling::kAttention) {
        all[r] = joined(all[r], attended(input, b, r));
        continue;
      }
      const Doubles row = pooled(input, b, r);
      all[r].insert(all[r].end(), row.begin() + static_cast<ptrdiff_t>(weights()), row.end());
    }
  }
  return all;
}

Rows ReferenceModel::numbers(const ReferenceInput& input) const {
  Rows all(input.samples);
  for (size_t r = 0; r < input.samples; ++r)
    for (size_t i = 0; i < shape_.dense_columns; ++i)
      all[r].push_back(input.dense[r * shape_.dense_columns + i]);
  return all;
}

Rows ReferenceModel::mixture(const std::string& layer, const Rows& x) const {
  const size_t rank = config_.cross_rank, experts = config_.cross_experts;
  const auto tanh = [](Rows h) {
    for (Doubles& row : h)
      for (double& v : row) v = std::tanh(v);
    return h;
  };
  const Rows gates = linear(layer + ".gate", "", x);
  const Doubles &u = parameters.at(layer + ".u"), &bias = parameters.at(layer + ".bias");
  Rows y(x.size(), Doubles(bias.size(), 0.0));
  for (size_t e = 0; e < experts; ++e) {
    const Rows thin = tanh(linear(layer + ".v", "", x, e, experts));
    const Rows turned = tanh(linear(layer + ".c", "", thin, e, experts));
    for (size_t r = 0; r < x.size(); ++r) {
      const double gate = softmax(gates[r])[e];
      for (size_t o = 0; o < bias.size(); ++o) {
        double wide = bias[o];
        for (size_t i = 0; i < rank; ++i) wide += u[(o * experts + e) * rank + i] * turned[r][i];
        y[r][o] += gate * wide;
      }
    }
  }
  return y;
}

Rows ReferenceModel::cross(const Rows& x0) const {
  Rows x = x0;
  for (size_t l = 0; l < config_.cross_layers; ++l) {
    const std::string layer = "cross." + std::to_string(l), bias = layer + ".bias";
    if (config_.cross_type == CrossType::kVector) {
      const Doubles &w = parameters.at(layer + ".weight"), &b = parameters.at(bias);
      for (size_t r = 0; r < x.size(); ++r) {
        const double s = inner(x[r], w);
        for (size_t i = 0; i < w.size(); ++i) x[r][i] += x0[r][i] * s + b[i];
      }
      continue;
    }
    Rows mixed;
    if (config_.cross_type == CrossType::kFull) mixed = linear(layer + ".weight", bias, x);
    if (config_.cross_type == CrossType::kLowRank)
      mixed = linear(layer + ".u", bias, linear(layer + ".v", "", x));
    if (config_.cross_type == CrossType::kMixture) mixed = mixture(layer, x);
    for (size_t r = 0; r < x.size(); ++r)
      for (size_t i = 0; i < x[r].size(); ++i) x[r][i] += x0[r][i] * mixed[r][i];
  }
  return x;
}

// Pair by pair, as Rendle defines it.
Rows ReferenceModel::fm(const Rows& vectors, const Rows& numbers) const {
  const size_t dim = shape_.table_dims[0] - weights();
  Rows y;
  for (size_t r = 0; r < vectors.size(); ++r) {
    Doubles all = vectors[r];
    for (size_t n = 0; n < numbers[r].size(); ++n)
      for (size_t i = 0; i < dim; ++i)
        all.push_back(numbers[r][n] * parameters.at("fm.numbers")[n * dim + i]);
    Doubles& sum = y.emplace_back(dim, 0.0);
    for (size_t f = 0; f < all.size() / dim; ++f)
      for (size_t g = 0; g < f; ++g)
        for (size_t i = 0; i < dim; ++i) sum[i] += all[f * dim + i] * all[g * dim + i];
  }
  return y;
}

Rows ReferenceModel::dot(const Rows& vectors, const Rows& numbers) const {
  const size_t dim = shape_.table_dims[0] - weights();
  Rows y(vectors.size()), all = vectors;
  if (shape_.dense_columns > 0) {
    y = mlp("dot.bottom", numbers, config_.bottom_units.size() + 1);
    all = joined(y, vectors);
  }
  for (size_t r = 0; r < y.size(); ++r) {
    for (size_t f = 0; f < all[r].size() / dim; ++f) {
      for (size_t g = 0; g < f; ++g) {
        double sum = 0;
        for (size_t i = 0; i < dim; ++i) sum += all[r][f * dim + i] * all[r][g * dim + i];
        y[r].push_back(sum);
      }
    }
  }
  return y;
}

Rows ReferenceModel::shared(const ReferenceInput& input) const {
  const Rows ids = vectors(input), others = numbers(input), x0 = joined(ids, others);
  const bool stacked = config_.structure == Structure::kStacked;
  Rows crossed = x0;
  if (config_.interaction == Interaction::kCross) crossed = cross(x0);
  if (config_.interaction == Interaction::kFm) crossed = fm(ids, others);
  if (config_.interaction == Interaction::kDot) crossed = dot(ids, others);
  const Rows deep = tower("deep", stacked ? crossed : x0, config_.deep_units.size());
  if (stacked) return deep;

  const bool sees_crossed =
      config_.interaction == Interaction::kDot ||
      (config_.interaction == Interaction::kCross && config_.cross_layers > 0);
  if (!config_.deep_units.empty()) return sees_crossed ? joined(crossed, deep) : deep;
  if (sees_crossed) return crossed;
  return config_.wide || config_.interaction == Interaction::kFm ? Rows(input.samples) : x0;
}

Rows ReferenceModel::encode(const ReferenceInput& input) const {
  input_ = &input;
  dropouts_ = 0;
  const Rows seen = shared(input);
  return seen.at(0).empty() ? joined(vectors(input), numbers(input)) : seen;
}

double ReferenceModel::past_the_head(const ReferenceInput& input, size_t row, size_t task) const {
  double sum = 0;
  if (config_.wide) {
    for (size_t b = 0; b < shape_.bags.size(); ++b) sum += pooled(input, b, row)[task];
    const Doubles others = numbers(input)[row];
    for (size_t i = 0; i < others.size(); ++i)
      sum += parameters.at("wide.numbers")[task * others.size() + i] * others[i];
  }
  if (config_.interaction == Interaction::kFm && config_.structure == Structure::kParallel)
    for (const Doubles pairs = fm(vectors(input), numbers(input))[row]; const double v : pairs)
      sum += v;
  return sum;
}

std::vector<std::string> ReferenceModel::towered() const {
  std::vector<std::string> names;
  for (const TaskConfig& task : config_.tasks)
    if (task.product.empty()) names.push_back(task.name);
  return names;
}

Rows ReferenceModel::mixed(const Rows& gates, const std::vector<Rows>& experts) const {
  Rows sum(gates.size(), Doubles(config_.expert_units.back(), 0.0));
  for (size_t r = 0; r < sum.size(); ++r)
    for (size_t e = 0; e < experts.size(); ++e)
      for (size_t u = 0; u < sum[r].size(); ++u)
        sum[r][u] += softmax(gates[r])[e] * experts[e][r][u];
  return sum;
}

Rows ReferenceModel::mmoe(const Rows& shared, size_t task, size_t tasks) const {
  std::vector<Rows> experts;
  for (size_t e = 0; e < config_.experts; ++e)
    experts.push_back(mlp("head.experts", shared, config_.expert_units.size(), e, config_.experts));
  return mixed(linear("head.gates.0.weight", "head.gates.0.bias", shared, task, tasks), experts);
}

std::vector<Rows> ReferenceModel::ple(const Rows& shared,
                                      const std::vector<std::string>& tasks) const {
  std::map<std::string, Rows> input = {{"shared", shared}};
  for (const std::string& task : tasks) input[task] = shared;
  for (size_t level = 0; level < config_.levels; ++level) {
    const std::string at = "head." + std::to_string(level) + ".";
    std::map<std::string, std::vector<Rows>> experts;
    for (const auto& [group, x] : input) {
      const size_t count = group == "shared" ? config_.experts : config_.task_experts;
      for (size_t e = 0; e < count; ++e)
        experts[group].push_back(
            mlp(at + group + ".experts", x, config_.expert_units.size(), e, count));
    }
    const auto gate = [&](const std::string& group) {
      const std::string name = at + group + ".gate.0";
      return linear(name + ".weight", name + ".bias", input.at(group));
    };
    std::vector<Rows> all;  // the tasks' in their order, then the shared ones
    std::map<std::string, Rows> next;
    for (const std::string& task : tasks) {
      all.insert(all.end(), experts[task].begin(), experts[task].end());
      std::vector<Rows> seen = experts[task];
      seen.insert(seen.end(), experts["shared"].begin(), experts["shared"].end());
      next[task] = mixed(gate(task), seen);
    }
    all.insert(all.end(), experts["shared"].begin(), experts["shared"].end());
    if (level + 1 < config_.levels) next["shared"] = mixed(gate("shared"), all);
    input = next;
  }
  std::vector<Rows> results;
  for (const std::string& task : tasks) results.push_back(input.at(task));
  return results;
}

Rows ReferenceModel::towers(const Rows& shared) const {
  const std::vector<std::string> tasks = towered();
  const bool biases = parameters.contains("bias");
  Rows all(shared.size());
  std::vector<Rows> extracted;
  if (config_.head == Head::kPle && !biases) extracted = ple(shared, tasks);
  for (size_t t = 0; t < tasks.size(); ++t) {
    Rows z(shared.size());
    if (biases) {
      for (Doubles& row : z) row = {parameters.at("bias")[t]};
    } else {
      const std::string tower = "tower." + tasks[t];
      const size_t layers = config_.tower_units.size();
      const std::string last = tower + "." + std::to_string(layers);
      z = config_.head == Head::kMmoe  ? mmoe(shared, t, tasks.size())
          : config_.head == Head::kPle ? extracted[t]
                                       : mlp("head.bottom", shared, config_.expert_units.size());
      z = linear(last + ".weight", last + ".bias", this->tower(tower, z, layers));
    }
    for (size_t r = 0; r < z.size(); ++r) all[r].push_back(z[r][0]);
  }
  return all;
}

Rows ReferenceModel::logits(const ReferenceInput& input) const {
  input_ = &input;
  dropouts_ = 0;
  const Rows own = towers(shared(input));
  const std::vector<std::string> tasks = towered();
  Rows all(input.samples);
  for (size_t r = 0; r < input.samples; ++r) {
    std::map<std::string, double> z;
    for (size_t t = 0; t < tasks.size(); ++t) z[tasks[t]] = own[r][t] + past_the_head(input, r, t);
    for (const TaskConfig& task : config_.tasks) {
      double p = 1;
      for (const std::string& factor : task.product) p *= logistic(z.at(factor));
      all[r].push_back(task.product.empty() ? z.at(task.name) : std::log(p / (1 - p)));
    }
  }
  return all;
}

Doubles ReferenceModel::predict(const ReferenceInput& input) const {
  Doubles all;
  for (const Doubles& z : logits(input))
    for (size_t t = 0; t < z.size(); ++t)
      all.push_back(is_binary(config_.tasks[t].loss) ? logistic(z[t]) : z[t]);
  return all;
}

double ReferenceModel::row_loss(const TaskConfig& task, double z, double y) const {
  const double p = logistic(z), error = std::abs(z - y), delta = task.huber_delta;
  switch (task.loss) {
    case Loss::kBce:
      // By the logit: -y log(p) - (1 - y) log(1 - p) itself loses its digits where p is near 1.
      return std::log1p(std::exp(z)) - y * z;
    case Loss::kMse:
      return error * error;
    case Loss::kFocal:
      return y == 1 ? -task.focal_alpha * std::pow(1 - p, task.focal_gamma) * std::log(p)
                    : -(1 - task.focal_alpha) * std::pow(p, task.focal_gamma) * std::log(1 - p);
    case Loss::kHuber:
      return error <= delta ? error * error / 2 : delta * (error - delta / 2);
    case Loss::kPairwise:
      break;
  }
  return 0;
}

double ReferenceModel::pairwise(const Rows& logits, const ReferenceInput& input,
                                size_t task) const {
  const size_t tasks = config_.tasks.size();
  double sum = 0, pairs = 0;
  for (size_t i = 0; i < input.samples; ++i) {
    for (size_t j = 0; j < input.samples; ++j) {
      if (input.labels[i * tasks + task] <= input.labels[j * tasks + task]) continue;
      sum += std::log1p(std::exp(logits[j][task] - logits[i][task]));
      ++pairs;
    }
  }
  return pairs > 0 ? sum / pairs : 0;
}

Doubles ReferenceModel::losses(const ReferenceInput& input) const {
  const size_t tasks = config_.tasks.size();
  Doubles losses(tasks, 0.0);
  const Rows all = logits(input);
  for (size_t t = 0; t < tasks; ++t) {
    if (config_.tasks[t].loss == Loss::kPairwise) losses[t] = pairwise(all, input, t);
    for (size_t r = 0; r < input.samples; ++r) {
      const double weight = input.weights.empty() ? 1 : input.weights[r * tasks + t];
      losses[t] += weight * row_loss(config_.tasks[t], all[r][t], input.labels[r * tasks + t]) /
                   input.divisor;
    }
  }
  return losses;
}

double ReferenceModel::objective(const ReferenceInput& input) const {
  const Doubles each = losses(input);
  const double share = static_cast<double>(input.samples) / input.divisor;
  double sum = 0;
  for (size_t t = 0; t < each.size(); ++t) {
    const TaskConfig& task = config_.tasks[t];
    if (config_.task_weights == TaskWeights::kFixed) {
      sum += task.weight * each[t];
    } else if (task.weight > 0) {
      const double s = parameters.at("uncertainty")[t];
      sum +=
          task.weight * std::exp(-s) * each[t] * (is_binary(task.loss) ? 1 : 0.5) + share * s / 2;
    }
  }
  if (config_.l2 == 0) return sum;
  for (const auto& [name, values] : parameters)
    if (name.ends_with(".weight") || name.ends_with(".numbers"))
      for (const double w : values) sum += share * config_.l2 / 2 * w * w;
  return sum;
}

}  // namespace cairn::math
