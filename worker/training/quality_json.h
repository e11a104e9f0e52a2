// A task's quality as a JSON object; used by the .cpp files of this folder.
#pragma once

#include <nlohmann/json.hpp>

#include "common/config/model_config.h"
#include "worker/evaluation/quality.h"

namespace cairn::training {

// With what a task of this kind has, null where undefined: samples, calibration, and auc and
// logloss or rmse. Text is kept in the order written.
inline nlohmann::ordered_json quality_json(const evaluation::TaskQuality& quality, Loss loss) {
  const auto number = [](const std::optional<double>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  nlohmann::ordered_json json = {{"samples", quality.samples}};
  if (is_binary(loss)) {
    json["auc"] = number(quality.auc);
    json["logloss"] = number(quality.logloss);
  } else {
    json["rmse"] = number(quality.rmse);
  }
  json["calibration"] = number(quality.calibration);
  return json;
}

// On one line, or indented. Never throws: text that is not UTF-8 is made so.
inline std::string json_text(const nlohmann::ordered_json& json, int indent = -1) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace cairn::training
