// Writes a click log whose truth is known: training file, evaluation file, and beside it
// `best.json` with the best AUC and logloss that any model can reach on it.
//
// Ids follow Zipf's law. The logit of a click is a sum of effects of single columns and of crosses
// of two and of three (worker/synthetic/click_log.h). The named layout has a second task:
// conversion given click, with a logit that is correlated with that of the click. Its column
// `conversion` is 0 in samples without a click, and its task is over all samples:
// P(conversion) = P(click) P(conversion | click).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "worker/synthetic/best_scores.h"
#include "worker/synthetic/click_log.h"

namespace cairn::synthetic {

inline constexpr uint64_t kCardinalityMax = 100'000'000;

struct GeneratorOptions {
  LogLayout layout = LogLayout::kNamed;
  std::string train_path, eval_path;  // compressed where they end in .gz; folders are created
  uint64_t train_samples = 400'000, eval_samples = 100'000;
  uint64_t cardinality = 100'000;  // of the largest id column, at least 10
  double zipf_exponent = 1.05;
  uint64_t seed = 1;
};

struct GeneratorReport {
  std::string best_path;  // <folder of eval_path>/best.json
  std::vector<BestScores>
      tasks;  // on the evaluation file: click; in the named layout conversion too
};

// {"tasks": [{"name", "auc", "logloss", "expected_auc", "expected_logloss", "rate"}]}
std::string best_json(const std::vector<BestScores>& tasks);

// The same options give the same bytes. A file appears under its name only when it is complete.
// Errors: kInvalidArgument, kUnavailable where a file cannot be written.
Result<GeneratorReport> generate(const GeneratorOptions& options);

}  // namespace cairn::synthetic
