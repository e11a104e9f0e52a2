#include "worker/features/statistics.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "common/check.h"

namespace cairn::features {

void Moments::add(double x) {
  ++count;
  const double from_old = x - mean;
  mean += from_old / static_cast<double>(count);
  squares += from_old * (x - mean);
}

void Moments::merge(const Moments& other) {
  if (other.count == 0) return;
  if (count == 0) {
    *this = other;
    return;
  }
  const double n = static_cast<double>(count), m = static_cast<double>(other.count);
  const double apart = other.mean - mean;
  mean += apart * (m / (n + m));
  squares += other.squares + apart * apart * (n * m / (n + m));
  count += other.count;
}

double Moments::deviation() const {
  if (count == 0 || !(squares > 0.0)) return 1.0;
  return std::sqrt(squares / static_cast<double>(count));
}

std::string Statistics::to_json() const {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [name, m] : features)
    json[name] = {{"count", m.count}, {"mean", m.mean}, {"squares", m.squares}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

Result<Statistics> Statistics::from_json(std::string_view text) {
  const auto corrupt = [](std::string_view why) {
    return Error{ErrorCode::kCorrupt, fmt::format("statistics of features: {}", why)};
  };
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return corrupt("not a JSON object");
  Statistics statistics;
  for (const auto& [name, entry] : json.items()) {
    const auto number = [&entry = entry](const char* key) {
      return entry.is_object() && entry.contains(key) && entry[key].is_number();
    };
    if (!number("count") || !number("mean") || !number("squares"))
      return corrupt(fmt::format("'{}' lacks count, mean or squares", name));
    statistics.features[name] = {entry["count"].get<uint64_t>(), entry["mean"].get<double>(),
                                 entry["squares"].get<double>()};
  }
  return statistics;
}

Statistics merge_statistics(const std::vector<std::string>& names,
                            std::span<const Moments> partials) {
  Statistics merged;
  if (names.empty()) return merged;
  check(partials.size() % names.size() == 0, "partials are [readers, names]");
  std::vector<Moments> sums(names.size());
  for (size_t i = 0; i < partials.size(); ++i) sums[i % names.size()].merge(partials[i]);
  for (size_t f = 0; f < names.size(); ++f) merged.features[names[f]] = sums[f];
  return merged;
}

}  // namespace cairn::features
