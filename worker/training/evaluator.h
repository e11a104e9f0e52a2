// The quality of a model on the evaluation data, over all workers.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "worker/training/report.h"
#include "worker/training/session.h"

namespace cairn::training {

// Collective; every worker gets the same figures, or the same error. Evaluates as things stand
// after `step`, and changes nothing.
Result<EvaluationReport> evaluate(Session& session, uint64_t step);

// By the names that eval.monitor uses: "income.auc", "rating.rmse". What is undefined is left out.
std::map<std::string, double> figures_of(const EvaluationReport& evaluation,
                                         const ModelConfig& model);

}  // namespace cairn::training
