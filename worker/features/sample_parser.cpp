#include "worker/features/sample_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "worker/features/numbers.h"

namespace cairn {
namespace {

constexpr double kSecondsMax = 1e15;  // far beyond any date, well inside int64

// For a message: short, and without bytes that would spoil a terminal.
std::string printable(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string shown(text.substr(0, kShown));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  if (text.size() > kShown) shown += "...";
  return shown;
}

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
    : plan_(plan), scales_(plan.standardized.size()), inputs_(plan.standardized.size()) {
  for (size_t i = 0; i < moments.size(); ++i)
    scales_[i] = {moments[i].mean, 1.0 / moments[i].deviation()};
}

bool SampleParser::parse(std::span<const std::string_view> fields, std::span<const uint32_t> places,
                         SampleSet& samples) {
  fields_ = fields;
  places_ = places;
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
    if (!number(feature, field(feature.columns[0]), value)) return false;
    samples.dense.push_back(static_cast<float>(value));
  }
  for (size_t i = 0; i < plan_.ids.size(); ++i)
    if (!append_bag(plan_.ids[i], samples.bags[i])) return false;
  return true;
}

bool SampleParser::fail(const FeaturePlan& feature, std::string_view text, std::string_view what) {
  reason_ =
      fmt::format("column '{}': '{}' {}", plan_.columns[feature.columns[0]], printable(text), what);
  return false;
}

bool SampleParser::number(const FeaturePlan& feature, std::string_view text, double& value) {
  const bool present = !missing(text);
  value = feature.number.missing_value;
  if (present) {
    const std::optional<double> parsed = parse_number(text);
    if (!parsed) return fail(feature, text, "is not a finite number");
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
  if (!fits_float(value)) return fail(feature, text, "is out of range once transformed");
  return true;
}

bool SampleParser::key_of(const FeaturePlan& feature, std::string_view text, Key& key) {
  if (missing(text)) {
    key = hash_string({});
  } else if (feature.id == Transform::kHash) {
    key = hash_string(text);
  } else if (feature.id == Transform::kInteger && feature.number.steps.empty()) {
    const std::optional<uint64_t> value = parse_id(text);
    if (!value) return fail(feature, text, "is not a whole number of 64 bits");
    key = *value;
  } else {
    double value;
    if (!number(feature, text, value)) return false;
    if (feature.id == Transform::kBucketize) {
      key = static_cast<Key>(
          std::upper_bound(feature.boundaries.begin(), feature.boundaries.end(), value) -
          feature.boundaries.begin());
    } else {
      if (std::fabs(value) > kSecondsMax) return fail(feature, text, "is out of range");
      const int64_t whole = static_cast<int64_t>(std::floor(value));
      key = feature.id == Transform::kHourOfDay   ? hour_of_day(whole)
            : feature.id == Transform::kDayOfWeek ? day_of_week(whole)
                                                  : static_cast<Key>(whole);
    }
  }
  if (feature.num_buckets > 0) key %= feature.num_buckets;
  return true;
}

Key SampleParser::cross_of(const FeaturePlan& feature) const {
  // Of hashes, not of the texts after each other: "ab" + "c" is not "a" + "bc".
  std::array<Key, kCrossColumnsMax> hashes;
  size_t n = 0;
  for (const uint32_t column : feature.columns) {
    const std::string_view text = field(column);
    hashes[n++] = hash_string(missing(text) ? std::string_view{} : text);
  }
  const Key key = hash_string({reinterpret_cast<const char*>(hashes.data()), n * sizeof(Key)});
  return feature.num_buckets > 0 ? key % feature.num_buckets : key;
}

bool SampleParser::append_bag(const FeaturePlan& feature, SampleSet::Bag& bag) {
  Key key;
  if (feature.id == Transform::kCross) {
    bag.keys.push_back(cross_of(feature));
  } else if (feature.separator.empty()) {
    if (!key_of(feature, field(feature.columns[0]), key)) return false;
    bag.keys.push_back(key);
  } else if (const std::string_view text = field(feature.columns[0]); !missing(text)) {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(feature.separator, begin), text.size());
      const std::string_view value = text.substr(begin, end - begin);
      if (!value.empty()) {
        if (!key_of(feature, value, key)) return false;
        bag.keys.push_back(key);
      }
      begin = end + feature.separator.size();
    }
  }
  bag.offsets.push_back(static_cast<uint32_t>(bag.keys.size()));
  return true;
}

bool SampleParser::label(const TaskPlan& task, float& value) {
  const std::string_view text = field(task.column);
  const auto bad = [&](std::string_view what) {
    reason_ = fmt::format("label '{}': '{}' {}", plan_.columns[task.column], printable(text), what);
    return false;
  };
  if (missing(text)) return bad("is missing");
  const std::optional<double> parsed = parse_number(text);
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
  const std::string_view text = field(*task.sample_weight);
  const std::optional<double> parsed = missing(text) ? std::nullopt : parse_number(text);
  if (parsed && *parsed >= 0.0 && fits_float(*parsed)) {
    value = static_cast<float>(*parsed);
    return true;
  }
  reason_ = fmt::format("weight '{}': '{}' is no number of 0 or more",
                        plan_.columns[*task.sample_weight], printable(text));
  return false;
}

}  // namespace cairn
