// The models once more, in double, written for reading: the definition that the fast ones are held
// against. It shares no code with them, and takes gradients by central differences, which in double
// are right to about nine digits.
#pragma once

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "worker/math/models/model.h"

namespace cairn::math {

using Doubles = std::vector<double>;
using Rows = std::vector<Doubles>;  // one per sample of a batch

struct ReferenceInput {
  size_t samples = 0;
  Doubles dense;                                         // [samples, dense columns]
  std::vector<std::vector<std::vector<uint32_t>>> bags;  // [bag][sample]: indices
  std::vector<Doubles> tables;                           // [table]: [unique, dim]
  Doubles labels;                                        // [samples, tasks]
  Doubles weights;                                       // [samples, tasks]; empty: all 1
  double divisor = 1.0;
  uint64_t step = 0, first_sample = 0;
};

class ReferenceModel {
 public:
  ReferenceModel(const ModelConfig& config, const ModelShape& shape, uint64_t seed = 0)
      : config_(config), shape_(shape), seed_(seed) {}

  std::map<std::string, Doubles> parameters;  // by name, as the model lays each out

  // [samples, tasks]: probabilities or values.
  Doubles predict(const ReferenceInput& input) const;
  // One vector per sample: what the heads see; without heads all inputs side by side.
  Rows encode(const ReferenceInput& input) const;
  // [tasks], unweighted, divided by the divisor.
  Doubles losses(const ReferenceInput& input) const;
  // The trained sum: the weighted losses, and the terms that regularize them.
  double objective(const ReferenceInput& input) const;

  // The least distance from 0 of what went into a ReLU so far: closer than rounding, float and
  // double may decide differently, and a difference quotient may step over the kink.
  double closest_kink() const { return closest_kink_; }

 private:
  // One group's part of a layer whose groups stand one after the other. Without a bias where the
  // model has none of that name.
  Rows linear(const std::string& weight, const std::string& bias, const Rows& x, size_t group = 0,
              size_t groups = 1) const;
  Rows activate(Rows x, const std::string& layer, size_t group, size_t groups) const;
  Rows mlp(const std::string& name, Rows x, size_t layers, size_t group = 0,
           size_t groups = 1) const;
  // The deep or a task's tower: normalisation and dropout too.
  Rows tower(const std::string& name, Rows x, size_t layers) const;
  Rows normalized(const std::string& layer, const Rows& x) const;
  Rows dropped(Rows x) const;
  double row_loss(const TaskConfig& task, double z, double y) const;
  double pairwise(const Rows& logits, const ReferenceInput& input, size_t task) const;

  Doubles pooled(const ReferenceInput& input, size_t bag, size_t row) const;
  Doubles attended(const ReferenceInput& input, size_t bag, size_t row) const;
  std::vector<std::string> towered() const;  // tasks that are no product
  size_t weights() const { return config_.wide ? towered().size() : 0; }
  Rows vectors(const ReferenceInput& input) const;  // those of ids, side by side
  Rows numbers(const ReferenceInput& input) const;
  Rows cross(const Rows& x0) const;
  Rows mixture(const std::string& layer, const Rows& x) const;
  Rows fm(const Rows& vectors, const Rows& numbers) const;
  Rows dot(const Rows& vectors, const Rows& numbers) const;
  Rows shared(const ReferenceInput& input) const;
  double past_the_head(const ReferenceInput& input, size_t row, size_t task) const;
  Rows mixed(const Rows& gates, const std::vector<Rows>& experts) const;
  Rows mmoe(const Rows& shared, size_t task, size_t tasks) const;
  std::vector<Rows> ple(const Rows& shared, const std::vector<std::string>& tasks) const;
  Rows towers(const Rows& shared) const;           // logits of tasks that have towers
  Rows logits(const ReferenceInput& input) const;  // for a product: the logit of its probability

  ModelConfig config_;
  ModelShape shape_;
  uint64_t seed_;
  mutable ReferenceInput const* input_ = nullptr;  // the one being computed
  mutable uint32_t dropouts_ = 0;                  // met so far in it
  mutable double closest_kink_ = std::numeric_limits<double>::infinity();
};

}  // namespace cairn::math
