// The quality of a version of a model on the evaluation data, over all workers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "worker/evaluation/evaluation_report.h"
#include "worker/evaluation/inference.h"

namespace cairn::evaluation {

// Collective; every worker gets the same figures, or the same error. Nothing changes.
Result<EvaluationReport> evaluate(Inference& inference, const version::VersionPtr& version,
                                  const data::Dataset& data);

// By the names that eval.monitor uses: "income.auc", "rating.rmse". What is undefined is left out.
std::map<std::string, double> figures_of(const EvaluationReport& evaluation,
                                         const ModelConfig& model);

}  // namespace cairn::evaluation
