#include "common/config/schema_optimizers.h"

#include <fmt/format.h>

#include "common/config/row_optimizers.h"
#include "common/config/schema_builders.h"

namespace cairn {
namespace {

// ---- the learning rate

bool schedule_falls(const void* object) {
  const Schedule kind = static_cast<const ScheduleConfig*>(object)->kind;
  return kind == Schedule::kStep || kind == Schedule::kCosine;
}

std::span<const ConfigKey> schedule_keys() {
  using S = ScheduleConfig;
  static const ConfigKey keys[] = {
      key<&S::kind>({.name = "type",
                     .text = "how the learning rate goes on after the warm-up: as it is; falling "
                             "every decay_steps; along half a cosine; with the root of the step"}),
      key<&S::warmup_steps>({.name = "warmup_steps",
                             .text = "steps in which it rises linearly from 0; 0: none",
                             .max = 1e12}),
      key<&S::decay_steps>({.name = "decay_steps",
                            .text = "steps between two falls, or until the cosine is at its end",
                            .min = 1,
                            .max = 1e12,
                            .applies = schedule_falls,
                            .applies_text = "only for step and cosine"}),
      key<&S::factor>({.name = "factor",
                       .text = "what a fall multiplies it by, or what is left of it at the end of "
                               "the cosine",
                       .max = 1,
                       .applies = schedule_falls,
                       .applies_text = "only for step and cosine"}),
  };
  return keys;
}

// ---- of dense parameters

const std::string& dense_name(const void* object) {
  return static_cast<const DenseOptimizerConfig*>(object)->name;
}
bool dense_decays(const void* object) {
  return dense_name(object) == "adamw" || dense_name(object) == "lamb";
}
bool dense_is_adam(const void* object) {
  return dense_name(object) == "adam" || dense_decays(object);
}
bool dense_is_adagrad(const void* object) { return dense_name(object) == "adagrad"; }
bool dense_has_momentum(const void* object) {
  return dense_name(object) == "momentum" || dense_name(object) == "nesterov";
}
bool dense_has_epsilon(const void* object) {
  return dense_is_adam(object) || dense_is_adagrad(object);
}
constexpr std::string_view kOnlyAdams = "only for adam, adamw and lamb";

// ---- of rows

const RowOptimizerFacts* facts_of(const void* optimizer) {
  return find_row_optimizer(static_cast<const RowOptimizerConfig*>(optimizer)->name);
}

// "sgd takes learning_rate, weight_decay, ...".
std::string what_row_optimizer_takes(const void* optimizer) {
  const RowOptimizerFacts& facts = *facts_of(optimizer);
  std::string out = fmt::format("{} takes ", facts.name);
  for (const RowOptimizerNumber& number : row_optimizer_numbers())
    if (number.group == 0 || (facts.takes & number.group) != 0)
      out += fmt::format("{}, ", number.name);
  return out + "schedule";
}

// Makes a key one of those optimizers alone that have `group` in their line of row_optimizers.def.
template <RowHyperparameters group>
ConfigKeyRules only_with(ConfigKeyRules rules) {
  static const std::string text = [] {
    std::string names;
    for (const RowOptimizerFacts& facts : row_optimizers())
      if ((facts.takes & group) != 0)
        names.append(names.empty() ? "only for " : ", ").append(facts.name);
    return names;
  }();
  rules.applies = [](const void* optimizer) { return (facts_of(optimizer)->takes & group) != 0; };
  rules.applies_text = text;
  rules.takes_text = what_row_optimizer_takes;
  return rules;
}

std::span<const std::string_view> row_optimizer_types() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> out;
    for (const RowOptimizerFacts& facts : row_optimizers()) out.push_back(facts.name);
    return out;
  }();
  return names;
}

}  // namespace

std::span<const ConfigKey> dense_optimizer_keys() {
  using O = DenseOptimizerConfig;
  static constexpr std::string_view kTypes[] = {"sgd",  "momentum", "nesterov", "adagrad",
                                                "adam", "adamw",    "lamb"};
  static const ConfigKey keys[] = {
      key<&O::name>({.name = "type", .text = "of the dense parameters", .values = kTypes}),
      key<&O::learning_rate>({.name = "learning_rate", .text = "step size", .above_min = true}),
      key<&O::momentum>({.name = "momentum",
                         .text = "share of the last step in this one",
                         .max = 1,
                         .below_max = true,
                         .applies = dense_has_momentum,
                         .applies_text = "only for momentum and nesterov"}),
      key<&O::initial_accumulator>({.name = "initial_accumulator",
                                    .text = "sum of squares that a parameter starts from",
                                    .applies = dense_is_adagrad,
                                    .applies_text = "only for adagrad"}),
      key<&O::beta1>({.name = "beta1",
                      .text = "decay of the first moment",
                      .max = 1,
                      .below_max = true,
                      .applies = dense_is_adam,
                      .applies_text = kOnlyAdams}),
      key<&O::beta2>({.name = "beta2",
                      .text = "decay of the second moment",
                      .max = 1,
                      .below_max = true,
                      .applies = dense_is_adam,
                      .applies_text = kOnlyAdams}),
      key<&O::epsilon>({.name = "epsilon",
                        .text = "added to the root in the denominator",
                        .above_min = true,
                        .applies = dense_has_epsilon,
                        .applies_text = "only for adagrad, adam, adamw and lamb"}),
      key<&O::weight_decay>({.name = "weight_decay",
                             .text = "times the weights of layers, added to the step",
                             .applies = dense_decays,
                             .applies_text = "only for adamw and lamb"}),
      key<&O::clip_norm>({.name = "clip_norm",
                          .text = "norm that all gradients together are scaled down to; 0: as they "
                                  "are"}),
      block<schedule_keys, &O::schedule>(
          {.name = "schedule", .text = "of the learning rate, by the step of the job"}),
  };
  return keys;
}

std::span<const ConfigKey> row_optimizer_keys() {
  using O = RowOptimizerConfig;
  static const ConfigKey keys[] = {
      key<&O::name>({.name = "type",
                     .text = "of embedding rows; ps/optimizers/TYPE.cpp has formula and source",
                     .values = row_optimizer_types()}),
      key<&O::learning_rate>({.name = "learning_rate", .text = "step size", .above_min = true}),
      key<&O::weight_decay>({.name = "weight_decay",
                             .text = "times the weights, added to the gradient of a touched row; "
                                     "adamw and lamb: to the step"}),
      key<&O::clip_norm>({.name = "clip_norm",
                          .text = "norm that a row's gradient is scaled down to; 0: as it is"}),
      key<&O::momentum>(only_with<kMomentum>({.name = "momentum",
                                              .text = "share of the last step in this one",
                                              .max = 1,
                                              .below_max = true})),
      key<&O::epsilon>(only_with<kEpsilon>(
          {.name = "epsilon", .text = "added to the root in the denominator", .above_min = true})),
      key<&O::initial_accumulator>(only_with<kInitialAccumulator>(
          {.name = "initial_accumulator", .text = "sum of squares that a new row starts from"})),
      key<&O::decay>(only_with<kDecay>(
          {.name = "decay", .text = "what is left of squares per step later", .max = 1})),
      key<&O::rho>(only_with<kRho>({.name = "rho",
                                    .text = "what is left of squares per step later",
                                    .max = 1,
                                    .below_max = true})),
      key<&O::beta1>(only_with<kMoments>(
          {.name = "beta1", .text = "decay of the first moment", .max = 1, .below_max = true})),
      key<&O::beta2>(only_with<kMoments>(
          {.name = "beta2", .text = "decay of the second moment", .max = 1, .below_max = true})),
      key<&O::beta>(only_with<kProximal>(
          {.name = "beta", .text = "added to the root in the denominator", .above_min = true})),
      key<&O::l1>(only_with<kProximal>({.name = "l1", .text = "lambda1 of the paper"})),
      key<&O::l2>(only_with<kProximal>(
          {.name = "l2",
           .text =
               "lambda2 of the paper; l2_regularization_strength of TensorFlow is half of it"})),
      block<schedule_keys, &O::schedule>(
          {.name = "schedule", .text = "of the learning rate, by the step of the job"}),
  };
  return keys;
}

}  // namespace cairn
