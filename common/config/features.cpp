#include "common/config/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "common/config/words.h"

namespace cairn {
namespace {

constexpr size_t kNamesMax = 100'000;
constexpr size_t kCrossColumnsMax = 16;

struct Numbered {
  std::string_view prefix;
  size_t digits = 0;
  uint32_t number = 0;
};

std::optional<Numbered> split_number(std::string_view text) {
  size_t begin = text.size();
  while (begin > 0 && text[begin - 1] >= '0' && text[begin - 1] <= '9') --begin;
  Numbered out{text.substr(0, begin), text.size() - begin, 0};
  const auto [end, error] =
      std::from_chars(text.data() + begin, text.data() + text.size(), out.number);
  if (out.digits == 0 || error != std::errc{}) return std::nullopt;
  return out;
}

bool expand_range(std::string_view text, std::vector<std::string>& out) {
  const size_t dots = text.find("..");
  const std::optional<Numbered> first = split_number(text.substr(0, dots));
  const std::optional<Numbered> last = split_number(text.substr(dots + 2));
  if (!first || !last || first->prefix != last->prefix || first->number > last->number ||
      last->number - first->number >= kNamesMax)
    return false;
  const size_t width = first->digits == last->digits ? first->digits : 0;
  for (uint32_t i = first->number; i <= last->number; ++i)
    out.push_back(fmt::format("{}{:0{}}", first->prefix, i, width));
  return true;
}

// Expands entries one after the other, and remembers the names and tables of those before.
class Expansion {
 public:
  Expansion(const PsDraft& ps, const Validate& validate) : ps_(ps), validate_(validate) {}

  void add(const FeatureEntry& entry, size_t number) {
    number_ = number;
    text_ = std::to_string(number);
    const std::vector<std::string> names = names_of(entry);
    if (validate_.sound({at("transform")})) {
      check_transforms(entry);
      check_columns(entry, names.size());
      check_boundaries(entry);
    }
    for (const std::string& name : names) add_feature(entry, name);
  }

  void check_tables_are_used() const {
    std::vector<std::string> used;
    for (const TableConfig& table : out_.tables) used.push_back(table.name);
    for (const TableConfig& table : ps_.tables)
      if (std::find(used.begin(), used.end(), table.name) == used.end())
        validate_.report({"ps", "tables", table.name}, "no feature uses this table",
                         used.empty() ? "remove it" : suggest(table.name, used));
  }

  // The target that attention scores for may stand behind the feature that names it.
  void check_targets() const {
    for (size_t i = 0; i < out_.features.size(); ++i) {
      const FeatureConfig& feature = out_.features[i];
      const std::string entry = std::to_string(out_.entries[i]);
      if (feature.is_id() && feature.pooling == Pooling::kAttention &&
          validate_.sound({fmt::format("features.{}.target", entry)}))
        check_target(feature, {"features", entry, "target"});
    }
  }

  ExpandedFeatures take() { return std::move(out_); }

 private:
  void check_target(const FeatureConfig& feature, YamlPath path) const {
    if (feature.target.empty())
      return validate_.report(path, "required key is missing",
                              "name the feature of ids that attention scores for");
    std::vector<std::string> known;
    const FeatureConfig* target = nullptr;
    for (const FeatureConfig& other : out_.features) {
      if (!other.is_id() || other.pooling == Pooling::kAttention) continue;
      known.push_back(other.name);
      if (other.name == feature.target) target = &other;
    }
    if (target == nullptr)
      return validate_.report(
          path, fmt::format("'{}' is no feature of ids pooled without attention", feature.target),
          known.empty() ? "there is none" : suggest(feature.target, known));
    const uint32_t own = dim_of(feature), wanted = dim_of(*target);
    if (own != wanted)
      validate_.report(
          path, fmt::format("'{}' has dim {}, '{}' {}", target->name, wanted, feature.name, own),
          "give both the same dim, or one table");
  }

  uint32_t dim_of(const FeatureConfig& feature) const {
    return out_.tables[tables_.at(feature.table)].dim;
  }

  std::string at(std::string_view key) const { return fmt::format("features.{}.{}", text_, key); }

  void report(std::string_view key, std::string what, std::string hint) const {
    validate_.report({"features", text_, key}, std::move(what), std::move(hint));
  }

  std::vector<std::string> names_of(const FeatureEntry& entry) const {
    if (!entry.name.empty() && !entry.names.empty())
      report("names", "name and names are given", "keep one of them");
    if (!entry.name.empty()) return {entry.name};
    if (entry.names.empty() && validate_.sound({at("name"), at("names")}))
      report("name", "required key is missing", "give name, or names for several features alike");
    return expand_ranges(entry.names, {"features", text_, "names"}, validate_);
  }

  void check_transforms(const FeatureEntry& entry) const {
    const auto& all = entry.transforms;
    for (size_t i = 0; i < all.size(); ++i) {
      if (i + 1 < all.size() && all[i] >= Transform::kHash)
        report("transform", fmt::format("{} makes ids, so nothing can follow it", to_word(all[i])),
               "put it last, and only one such");
      else if (std::find(all.begin(), all.begin() + static_cast<ptrdiff_t>(i), all[i]) !=
               all.begin() + static_cast<ptrdiff_t>(i))
        report("transform", fmt::format("{} is given twice", to_word(all[i])), "remove one");
    }
    const bool takes_number = all.empty() || all.back() < Transform::kHash ||
                              all.back() == Transform::kInteger ||
                              all.back() == Transform::kBucketize;
    if (all.size() > 1 && all.front() < Transform::kHash && !takes_number)
      report("transform", fmt::format("{} takes columns as they are", to_word(all.back())),
             "give it alone: only integer and bucketize can follow log1p and standardize");
  }

  void check_columns(const FeatureEntry& entry, size_t names) const {
    if (!validate_.sound({at("column"), at("columns")})) return;
    if (!entry.column.empty() && !entry.columns.empty())
      report("columns", "column and columns are given", "keep one of them");
    if (names > 1 && (!entry.column.empty() || !entry.columns.empty()))
      return report(entry.column.empty() ? "columns" : "column", "several features read one column",
                    "leave it out: each feature reads the column of its name");
    const bool cross = !entry.transforms.empty() && entry.transforms.back() == Transform::kCross;
    if (!cross && entry.columns.size() > 1)
      return report("columns", "several columns are only for cross", "give one column");
    if (!cross) return;
    if (entry.columns.size() < 2)
      return report(entry.columns.empty() ? "transform" : "columns",
                    "a cross needs two columns or more", "give columns: [a, b]");
    if (entry.columns.size() > kCrossColumnsMax)
      report("columns", fmt::format("a cross of {} columns", entry.columns.size()),
             fmt::format("want at most {}", kCrossColumnsMax));
    if (std::set<std::string>(entry.columns.begin(), entry.columns.end()).size() <
        entry.columns.size())
      report("columns", "a column is given twice", "remove one");
    if (!entry.separator.empty())
      report("separator", "a cross is of single-valued columns", "remove separator");
  }

  void check_boundaries(const FeatureEntry& entry) const {
    if (!validate_.sound({at("boundaries")})) return;
    const bool needed =
        !entry.transforms.empty() && entry.transforms.back() == Transform::kBucketize;
    if (needed && entry.boundaries.empty())
      report("boundaries", "required key is missing", "give bucketize its boundaries, ascending");
    const auto& values = entry.boundaries;
    if (std::adjacent_find(values.begin(), values.end(), std::greater_equal<>()) != values.end())
      report("boundaries", "boundaries do not ascend", "sort them, each once");
  }

  void add_feature(const FeatureEntry& entry, const std::string& name) {
    const auto [first, is_new] = names_.emplace(name, number_);
    if (!is_new) {
      report(entry.name.empty() ? "names" : "name",
             fmt::format("feature '{}' is given twice", name),
             fmt::format("the first is features.{}", first->second));
      return;
    }
    FeatureConfig feature;
    feature.name = name;
    feature.columns = entry.columns;
    if (feature.columns.empty()) feature.columns = {entry.column.empty() ? name : entry.column};
    feature.transforms = entry.transforms;
    feature.boundaries = entry.boundaries;
    feature.num_buckets = entry.num_buckets;
    feature.separator = entry.separator;
    feature.pooling = entry.pooling;
    feature.target = entry.target;
    feature.missing_value = entry.missing_value;
    if (feature.is_id()) {
      feature.table = entry.table.empty() ? name : entry.table;
      use_table(feature.table, entry.dim);
    }
    out_.features.push_back(std::move(feature));
    out_.entries.push_back(number_);
  }

  void use_table(const std::string& name, std::optional<uint32_t> dim) {
    const auto [found, is_new] = tables_.emplace(name, out_.tables.size());
    if (is_new) {
      out_.tables.push_back(configured(name));
      const bool fixed = find(validate_.root, {"ps", "tables", name, "dim"}) != nullptr;
      dim_from_.push_back(fixed ? fmt::format("ps.tables.{}", name) : "");
    }
    if (!dim) return;
    TableConfig& table = out_.tables[found->second];
    std::string& from = dim_from_[found->second];
    if (from.empty()) {
      table.dim = *dim;
      from = "features." + text_;
    } else if (table.dim != *dim) {
      report("dim", fmt::format("table '{}' has dim {} in {}", name, table.dim, from),
             "give both the same dim, or use two tables");
    }
  }

  TableConfig configured(const std::string& name) const {
    for (const TableConfig& table : ps_.tables)
      if (table.name == name) return table;
    TableConfig table = ps_.defaults;
    table.name = name;
    return table;
  }

  const PsDraft& ps_;
  const Validate& validate_;
  size_t number_ = 0;  // of the entry
  std::string text_;   // the same, as text
  std::map<std::string, size_t> names_, tables_;
  std::vector<std::string> dim_from_;  // of each table: what fixed its dim; empty: nothing yet
  ExpandedFeatures out_;
};

}  // namespace

void Validate::report(YamlPath path, std::string what, std::string hint) const {
  diagnostics.add(position_of(root, path), join(path), std::move(what), std::move(hint));
}

bool Validate::sound(std::initializer_list<std::string_view> key_paths) const {
  return std::none_of(key_paths.begin(), key_paths.end(),
                      [this](std::string_view path) { return diagnostics.has(path); });
}

std::vector<std::string> expand_ranges(const std::vector<std::string>& names, YamlPath path,
                                       const Validate& validate) {
  std::vector<std::string> out;
  for (const std::string& name : names) {
    if (name.find("..") == std::string::npos)
      out.push_back(name);
    else if (!expand_range(name, out))
      validate.report(path, fmt::format("'{}' is not a range", name), "write a range as I1..I13");
    if (out.size() > kNamesMax) {
      validate.report(path, "too many names", fmt::format("want at most {}", kNamesMax));
      return {};
    }
  }
  return out;
}

ExpandedFeatures expand_features(const std::vector<FeatureEntry>& entries, const PsDraft& ps,
                                 const Validate& validate) {
  Expansion expansion(ps, validate);
  for (size_t i = 0; i < entries.size(); ++i) expansion.add(entries[i], i);
  expansion.check_targets();
  if (validate.sound({"features"})) expansion.check_tables_are_used();
  return expansion.take();
}

}  // namespace cairn
