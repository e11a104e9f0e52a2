// The AUC and the logloss that no model can beat, as the true probabilities are known.
#pragma once

#include <span>
#include <string>

namespace cairn::synthetic {

struct BestScores {
  std::string name;   // of the task
  double rate = 0.0;  // share of positive labels
  // Scores of the true probabilities against the labels that were drawn. A model can pass these by
  // luck only.
  double auc = 0.5, logloss = 0.0;
  // Their expectations over all draws of the labels.
  double expected_auc = 0.5, expected_logloss = 0.0;
};

// probabilities, labels (0 or 1): [samples]. AUC counts half for equal probabilities; it is 0.5
// where there are no two classes.
BestScores best_scores(std::string name, std::span<const double> probabilities,
                       std::span<const float> labels);

}  // namespace cairn::synthetic
