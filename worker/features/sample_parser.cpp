#include "worker/features/sample_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "worker/features/numbers.h"

namespace cairn::features {
namespace {

constexpr double kSecondsMax = 1e15;  // far beyond any date, well inside int64

bool compare(Comparison comparison, double value, double threshold) {
  switch (comparison) {
    case Comparison::kGreaterEqual:
      return value >= threshold;
    case Comparison::kGreater:
      return value > threshold;
    case Comparison::kLessEqual:
      return value <= threshold;
    case Comparison::kLess:
      return value < threshold;
    case Comparison::kEqual:
      return value == threshold;
    case Comparison::kNone:
      break;
  }
  return false;
}

bool fits_float(double value) {
  return std::fabs(value) <= std::numeric_limits<float>::max();  // false for NaN
}

bool hash_of(const Cell& cell, Key& key) {
  if (cell.kind() == CellKind::kText) [[likely]] {
    key = hash_string(cell.text());
    return true;
  }
  CellText room;
  const std::optional<std::string_view> text = text_of(cell, room);
  if (text) key = hash_string(*text);
  return text.has_value();
}

}  // namespace

void SampleSet::clear(size_t bag_count) {
  samples = 0;
  dense.clear();
  labels.clear();
  weights.clear();
  bags.resize(bag_count);
  for (Bag& bag : bags) {
    bag.offsets.assign(1, 0);
    bag.keys.clear();
  }
}

SampleParser::SampleParser(const Plan& plan, std::span<const Moments> moments)
    : plan_(plan),
      scales_(plan.standardized.size()),
      inputs_(plan.standardized.size()),
      missing_(plan.missing) {
  for (size_t i = 0; i < moments.size(); ++i)
    scales_[i] = {moments[i].mean, 1.0 / moments[i].deviation()};
}

bool SampleParser::parse(const Record& record, SampleSet& samples) {
  record_ = record;
  for (StandardInput& input : inputs_) input.present = false;
  if (append_all(samples)) [[likely]] {
    ++samples.samples;
    return true;
  }
  samples.dense.resize(size_t{samples.samples} * plan_.numbers.size());
  samples.labels.resize(size_t{samples.samples} * plan_.tasks.size());
  if (plan_.weighted) samples.weights.resize(samples.labels.size());
  for (SampleSet::Bag& bag : samples.bags) {
    bag.offsets.resize(samples.samples + size_t{1});
    bag.keys.resize(bag.offsets.back());
  }
  return false;
}

bool SampleParser::append_all(SampleSet& samples) {
  for (const TaskPlan& task : plan_.tasks) {
    float value;
    if (!label(task, value)) return false;
    samples.labels.push_back(value);
    if (!plan_.weighted) continue;
    if (!sample_weight(task, value)) return false;
    samples.weights.push_back(value);
  }
  for (const FeaturePlan& feature : plan_.numbers) {
    double value;
    if (!number(feature, cell(feature.columns[0]), value)) return false;
    samples.dense.push_back(static_cast<float>(value));
  }
  for (size_t i = 0; i < plan_.ids.size(); ++i)
    if (!append_bag(plan_.ids[i], samples.bags[i])) return false;
  return true;
}

bool SampleParser::fail(uint32_t column, const Cell& cell, std::string_view what) {
  reason_ = fmt::format("column '{}': '{}' {}", plan_.columns[column], printable(cell), what);
  return false;
}

bool SampleParser::number(const FeaturePlan& feature, const Cell& cell, double& value) {
  const bool present = !missing_.is(cell);
  value = feature.number.missing_value;
  if (present) {
    const std::optional<double> parsed = value_of(cell);
    if (!parsed) return fail(feature.columns[0], cell, "is not a finite number");
    value = *parsed;
  }
  for (const Transform step : feature.number.steps) {
    if (step == Transform::kLog1p) {
      value = std::log1p(std::max(value, 0.0));
      continue;
    }
    const uint32_t place = *feature.number.standardized;
    inputs_[place] = {present, value};
    const Scale& scale = scales_[place];
    value = present ? (value - scale.mean) * scale.inverse_deviation : 0.0;
  }
  if (!fits_float(value)) return fail(feature.columns[0], cell, "is out of range once transformed");
  return true;
}

bool SampleParser::key_of(const FeaturePlan& feature, const Cell& cell, Key& key) {
  if (missing_.is(cell)) {
    key = hash_string({});
  } else if (feature.id == Transform::kHash) {
    if (!hash_of(cell, key)) return fail(feature.columns[0], cell, "is not one finite value");
  } else if (feature.id == Transform::kInteger && feature.number.steps.empty()) {
    const std::optional<uint64_t> value = id_of(cell);
    if (!value) return fail(feature.columns[0], cell, "is not a whole number of 64 bits");
    key = *value;
  } else {
    double value;
    if (!number(feature, cell, value)) return false;
    if (feature.id == Transform::kBucketize) {
      key = static_cast<Key>(
          std::upper_bound(feature.boundaries.begin(), feature.boundaries.end(), value) -
          feature.boundaries.begin());
    } else {
      if (std::fabs(value) > kSecondsMax) return fail(feature.columns[0], cell, "is out of range");
      const int64_t whole = static_cast<int64_t>(std::floor(value));
      key = feature.id == Transform::kHourOfDay   ? hour_of_day(whole)
            : feature.id == Transform::kDayOfWeek ? day_of_week(whole)
                                                  : static_cast<Key>(whole);
    }
  }
  if (feature.num_buckets > 0) key %= feature.num_buckets;
  return true;
}

bool SampleParser::cross_of(const FeaturePlan& feature, Key& key) {
  // The hash of hashes, not of the texts after each other: "ab" + "c" is not "a" + "bc".
  std::array<Key, kCrossColumnsMax> hashes;
  size_t n = 0;
  for (const uint32_t column : feature.columns) {
    const Cell& value = cell(column);
    Key& hash = hashes[n++];
    if (missing_.is(value))
      hash = hash_string({});
    else if (!hash_of(value, hash))
      return fail(column, value, "is not one finite value");
  }
  key = hash_string({reinterpret_cast<const char*>(hashes.data()), n * sizeof(Key)});
  if (feature.num_buckets > 0) key %= feature.num_buckets;
  return true;
}

bool SampleParser::append_bag(const FeaturePlan& feature, SampleSet::Bag& bag) {
  Key key;
  if (feature.id == Transform::kCross) {
    if (!cross_of(feature, key)) return false;
    bag.keys.push_back(key);
  } else if (const Cell& value = cell(feature.columns[0]); feature.separator.empty()) {
    if (!key_of(feature, value, key)) return false;
    bag.keys.push_back(key);
  } else if (!missing_.is(value)) {
    if (value.kind() == CellKind::kText) {
      if (!append_split(feature, value.text(), bag)) return false;
    } else if (value.is_list()) {
      if (!append_list(feature, value, bag)) return false;
    } else {
      if (!key_of(feature, value, key)) return false;
      bag.keys.push_back(key);
    }
  }
  bag.offsets.push_back(static_cast<uint32_t>(bag.keys.size()));
  return true;
}

bool SampleParser::append_split(const FeaturePlan& feature, std::string_view text,
                                SampleSet::Bag& bag) {
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(feature.separator, begin), text.size());
    const std::string_view value = text.substr(begin, end - begin);
    begin = end + feature.separator.size();
    if (value.empty()) continue;
    Key key;
    if (!key_of(feature, Cell::text(value), key)) return false;
    bag.keys.push_back(key);
  }
  return true;
}

bool SampleParser::append_list(const FeaturePlan& feature, const Cell& list, SampleSet::Bag& bag) {
  // As in text: a field that is data.missing and nothing else makes an empty bag.
  if (list.size() == 1 && missing_.is(list.element(0))) return true;
  for (size_t i = 0; i < list.size(); ++i) {
    const Cell value = list.element(i);
    if (value.kind() == CellKind::kText && value.text().empty()) continue;
    Key key;
    if (!key_of(feature, value, key)) return false;
    bag.keys.push_back(key);
  }
  return true;
}

bool SampleParser::label(const TaskPlan& task, float& value) {
  const Cell& given = cell(task.column);
  const auto bad = [&](std::string_view what) {
    reason_ =
        fmt::format("label '{}': '{}' {}", plan_.columns[task.column], printable(given), what);
    return false;
  };
  if (missing_.is(given)) return bad("is missing");
  const std::optional<double> parsed = value_of(given);
  if (!parsed) return bad("is not a finite number");
  if (task.config.comparison != Comparison::kNone) {
    value = compare(task.config.comparison, *parsed, task.config.threshold) ? 1.0f : 0.0f;
    return true;
  }
  if (is_binary(task.config.loss) && *parsed != 0.0 && *parsed != 1.0)
    return bad("is neither 0 nor 1");
  value = static_cast<float>(*parsed);
  return true;
}

bool SampleParser::sample_weight(const TaskPlan& task, float& value) {
  value = 1.0f;
  if (!task.sample_weight) return true;
  const Cell& given = cell(*task.sample_weight);
  const std::optional<double> parsed = missing_.is(given) ? std::nullopt : value_of(given);
  if (parsed && *parsed >= 0.0 && fits_float(*parsed)) {
    value = static_cast<float>(*parsed);
    return true;
  }
  reason_ = fmt::format("weight '{}': '{}' is no number of 0 or more",
                        plan_.columns[*task.sample_weight], printable(given));
  return false;
}

}  // namespace cairn::features
