// Expands the entries of `features` into features and tables.
#pragma once

#include <string>
#include <vector>

#include "common/config/diagnostic.h"
#include "common/config/schema.h"
#include "common/config/yaml_tree.h"

namespace cairn {

// Validates values that were read from `root`, and reports their places in it.
struct Validate {
  const YamlNode& root;
  Diagnostics& diagnostics;

  void report(YamlPath path, std::string what, std::string hint) const;
  // Whether no problem of these keys was reported yet. A value that could not be read is not
  // validated.
  bool sound(std::initializer_list<std::string_view> key_paths) const;
};

// Names with ranges written out: I1..I3 is I1, I2, I3; C01..C26 keeps its zeros. Other names stay.
// A name with dots that is no range is reported at `path`, as are more than 100,000 names.
std::vector<std::string> expand_ranges(const std::vector<std::string>& names, YamlPath path,
                                       const Validate& validate);

struct ExpandedFeatures {
  std::vector<FeatureConfig> features;
  std::vector<size_t> entries;  // per feature: the index of its entry
  std::vector<TableConfig> tables;
};
ExpandedFeatures expand_features(const std::vector<FeatureEntry>& entries, const PsDraft& ps,
                                 const Validate& validate);

}  // namespace cairn
