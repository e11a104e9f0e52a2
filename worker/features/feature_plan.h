// The features and tasks of a job, compiled: which columns they read and how a cell becomes a
// number, a key or a label. docs: FeatureConfig in common/config/feature_config.h, TaskConfig in
// model_config.h.
//
// Missing values (a null, an empty text, or one equal to data.missing): a number is its
// missing_value, before transforms, or the mean where it is standardized (0 after); a single id is
// the hash of the empty string, a value of its own; a multi-valued bag is empty. Keys: hash is
// XXH3-64 of the cell's text (worker/features/cell_values.h); integer the number itself; bucketize
// how many boundaries are not above the number; cross the hash of its columns' hashes; time parts
// of Unix seconds in UTC. num_buckets takes any of these modulo itself. Features that share a table
// share its keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/result.h"

namespace cairn::features {

inline constexpr size_t kCrossColumnsMax = 16;

// The kind of input that a feature is to the model.
enum class InputKind : uint8_t {
  kNumber,  // a dense column
  kIds,     // a bag of keys of a table
  kImage,   // pixels, [height, width, channels] of bytes; no job can name one yet
};
InputKind kind_of(const FeatureConfig& feature);

struct NumberPlan {
  std::string name;
  std::vector<Transform> steps;          // kLog1p, kStandardize
  std::optional<uint32_t> standardized;  // its place among the standardized features
  double missing_value = 0.0;
};

struct FeaturePlan {
  Transform id = Transform::kHash;  // of an id feature
  std::vector<uint32_t> columns;    // indices into Plan::columns
  NumberPlan number;                // of a number, or what comes before kInteger and kBucketize
  std::vector<double> boundaries;
  uint64_t num_buckets = 0;
  std::string separator;
  uint32_t table = 0;  // of an id feature
};

// The plan of an image. Only the place is there: its column holds bytes (CellKind::kBytes), which
// nothing decodes yet.
struct ImagePlan {
  uint32_t column = 0;  // index into Plan::columns
  uint32_t height = 0, width = 0, channels = 0;
};

struct TaskPlan {
  uint32_t column = 0;                    // index into Plan::columns
  std::optional<uint32_t> sample_weight;  // the same
  TaskConfig config;
};

struct Plan {
  std::vector<std::string> columns;       // that are read, each once
  std::vector<FeaturePlan> numbers;       // dense columns, in the job's order
  std::vector<FeaturePlan> ids;           // bags, in the job's order
  std::vector<ImagePlan> images;          // in the job's order; none today
  std::vector<TaskPlan> tasks;            // empty where labels are not read
  bool weighted = false;                  // some task has weights of samples
  std::vector<std::string> standardized;  // names of features, in the job's order
  uint32_t tables = 0;
  std::string missing;

  // Errors: kInvalidArgument where transforms do not fit together.
  static Result<Plan> make(const JobConfig& job, bool labels);
};

}  // namespace cairn::features
