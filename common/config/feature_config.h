// One thing that the model sees of a sample: an entry of `features` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cairn {

enum class Transform : uint8_t {
  // float -> float
  kLog1p,        // log(1 + max(x, 0))
  kStandardize,  // (x - mean) / deviation, of the training data
  // text or number -> id
  kHash,
  kInteger,
  kBucketize,  // index among `boundaries`
  kCross,      // hash of the values of several columns together
  kHourOfDay,  // of Unix seconds, UTC: 0..23
  kDayOfWeek,  // of Unix seconds, UTC: 0 = Monday
};

enum class Pooling : uint8_t { kSum, kMean, kMax, kAttention };

// One input of the model: a number, or a bag of ids that is looked up in a table and pooled.
struct FeatureConfig {
  std::string name;
  std::vector<std::string> columns;  // one; two or more for kCross
  std::vector<Transform>
      transforms;  // applied in order; an id transform comes last; none: a plain number
  std::vector<double> boundaries;  // ascending, for kBucketize
  uint64_t num_buckets = 0;        // ids are taken modulo this; 0: not
  std::string separator;           // of a multi-valued column; empty: single-valued
  Pooling pooling = Pooling::kSum;
  std::string target;          // kAttention: the id feature that the ids are weighed for
  std::string table;           // by default the feature's name
  double missing_value = 0.0;  // of a number, before transforms; standardized columns: the mean

  bool is_id() const { return !transforms.empty() && transforms.back() >= Transform::kHash; }
  friend bool operator==(const FeatureConfig&, const FeatureConfig&) = default;
};

}  // namespace cairn
