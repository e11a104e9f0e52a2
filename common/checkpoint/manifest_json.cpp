#include "common/checkpoint/manifest_json.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/config/row_optimizers.h"
#include "common/config/words.h"
#include "common/wire/header.h"

namespace cairn {

using nlohmann::json;

namespace {

constexpr uint64_t kFormat = 1;
constexpr uint64_t kAnyNumber = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kAny32 = std::numeric_limits<uint32_t>::max();

// Takes fields out of a JSON object. The first that is missing or wrong is remembered in `problem`,
// and from then on values are empty: one test at the end is enough.
class Fields {
 public:
  Fields(const json& object, std::string where, std::string& problem)
      : object_(object), where_(std::move(where)), problem_(problem) {
    if (!object_.is_object()) report("", "is no object");
  }

  uint64_t number(const char* name, uint64_t max) {
    const json& field = get(name);
    if (field.is_number_unsigned() && field.get<uint64_t>() <= max) return field.get<uint64_t>();
    report(name, fmt::format("is no integer from 0 to {}", max));
    return 0;
  }
  uint32_t number32(const char* name, uint64_t max = kAny32) {
    return static_cast<uint32_t>(number(name, max));
  }
  float real(const char* name) {
    const json& field = get(name);
    if (field.is_number()) return static_cast<float>(field.get<double>());
    report(name, "is no number");
    return 0;
  }
  std::string text(const char* name) {
    const json& field = get(name);
    if (field.is_string()) return field.get<std::string>();
    report(name, "is no string");
    return {};
  }
  // A relative name that stays inside the folder.
  std::string path(const char* name) {
    const std::string value = text(name);
    const std::filesystem::path path(value);
    bool safe = !value.empty() && path.is_relative() && value.find('\0') == std::string::npos;
    for (const auto& part : path) safe = safe && !part.empty() && part != "." && part != "..";
    if (!safe) report(name, "leads out of the checkpoint");
    return value;
  }
  Fields object(const char* name) { return {get(name), at(name), problem_}; }

  // Calls `each` with every element of an array, as an object.
  template <typename Each>
  void objects(const char* name, Each each) {
    size_t i = 0;
    for (const json& element : array(name)) {
      Fields fields(element, fmt::format("{}[{}]", at(name), i++), problem_);
      if (!problem_.empty()) return;
      each(fields);
    }
  }
  const json& array(const char* name) {
    const json& field = get(name);
    if (field.is_array()) return field;
    report(name, "is no list");
    return empty();
  }
  const json& get(const char* name) {
    if (object_.is_object())
      if (const auto found = object_.find(name); found != object_.end()) return *found;
    report(name, "is missing");
    return empty();
  }
  void report(const char* name, std::string_view why) {
    if (problem_.empty()) problem_ = fmt::format("{} {}", at(name), why);
  }

 private:
  std::string at(const char* name) const {
    return where_.empty() ? name : *name == '\0' ? where_ : where_ + "." + name;
  }
  static const json& empty() {
    static const json array = json::array();
    return array;
  }

  const json& object_;
  const std::string where_;
  std::string& problem_;
};

json optimizer_to_json(const RowOptimizerConfig& optimizer) {
  json out = {{"name", optimizer.name}};
  for (const RowOptimizerNumber& number : row_optimizer_numbers())
    out[std::string(number.name)] = optimizer.*number.value;
  const ScheduleConfig& schedule = optimizer.schedule;
  out["schedule"] = {{"kind", to_word(schedule.kind)},
                     {"warmup_steps", schedule.warmup_steps},
                     {"decay_steps", schedule.decay_steps},
                     {"factor", schedule.factor}};
  return out;
}

json table_to_json(const TableConfig& table) {
  return {{"name", table.name},
          {"dim", table.dim},
          {"dtype", to_word(table.dtype)},
          {"optimizer", optimizer_to_json(table.optimizer)},
          {"initializer",
           {{"kind", to_word(table.initializer.kind)}, {"scale", table.initializer.scale}}},
          {"admission",
           {{"min_count", table.admission.min_count},
            {"probability", table.admission.probability},
            {"filter_bytes", table.admission.filter_bytes}}},
          {"expiry",
           {{"unseen_steps", table.expiry.unseen_steps},
            {"age_steps", table.expiry.age_steps},
            {"min_norm", table.expiry.min_norm}}},
          {"max_rows", table.max_rows}};
}

// The value of an enumeration, by its word.
template <typename Enum>
Enum word_from(Fields& fields, const char* name) {
  const std::string word = fields.text(name);
  const auto words = words_of(Enum{});
  const auto found = std::find(words.begin(), words.end(), word);
  if (found == words.end()) {
    fields.report(name, "is not known");
    return {};
  }
  return static_cast<Enum>(found - words.begin());
}

RowOptimizerConfig optimizer_from(Fields fields) {
  RowOptimizerConfig optimizer;
  optimizer.name = fields.text("name");
  for (const RowOptimizerNumber& number : row_optimizer_numbers())
    optimizer.*number.value = fields.real(std::string(number.name).c_str());
  Fields schedule = fields.object("schedule");
  optimizer.schedule = {.kind = word_from<Schedule>(schedule, "kind"),
                        .warmup_steps = schedule.number("warmup_steps", kAnyNumber),
                        .decay_steps = schedule.number("decay_steps", kAnyNumber),
                        .factor = schedule.real("factor")};
  return optimizer;
}

TableConfig table_from(Fields& fields) {
  TableConfig table;
  table.name = fields.text("name");
  table.dim = fields.number32("dim", kDimMax);
  table.dtype = word_from<ValueType>(fields, "dtype");
  table.optimizer = optimizer_from(fields.object("optimizer"));
  Fields initializer = fields.object("initializer");
  table.initializer.kind = word_from<Initializer>(initializer, "kind");
  table.initializer.scale = initializer.real("scale");
  Fields admission = fields.object("admission");
  table.admission.min_count = admission.number32("min_count", UINT8_MAX);
  table.admission.probability = admission.real("probability");
  table.admission.filter_bytes = admission.number("filter_bytes", kAnyNumber);
  Fields expiry = fields.object("expiry");
  table.expiry.unseen_steps = expiry.number("unseen_steps", kAny32);
  table.expiry.age_steps = expiry.number("age_steps", kAny32);
  table.expiry.min_norm = expiry.real("min_norm");
  table.max_rows = fields.number("max_rows", kAnyNumber);
  return table;
}

void positions_from(Fields& fields, CheckpointManifest& manifest) {
  const auto is_position = [](const json& number) {
    return number.is_number_unsigned() && number.get<uint64_t>() <= kAny32;
  };
  for (const json& pair : fields.array("positions")) {
    if (!pair.is_array() || pair.size() != 2 || !is_position(pair[0]) || !is_position(pair[1]))
      return fields.report("positions", "is no list of pairs of integers");
    manifest.positions.emplace_back(pair[0].get<uint32_t>(), pair[1].get<uint32_t>());
  }
}

void metrics_from(Fields& fields, CheckpointManifest& manifest) {
  const json& metrics = fields.get("metrics");
  if (!metrics.is_object()) return fields.report("metrics", "is no object");
  for (const auto& [name, value] : metrics.items()) {
    if (!value.is_null() && !value.is_number())
      return fields.report("metrics", "holds more than numbers");
    manifest.metrics[name] = value.is_null() ? std::nan("") : value.get<double>();
  }
}

}  // namespace

json manifest_to_json(const CheckpointManifest& manifest) {
  json tables = json::array(), shards = json::array(), files = json::array();
  for (const TableConfig& table : manifest.tables) tables.push_back(table_to_json(table));
  for (const CheckpointShard& shard : manifest.shards)
    shards.push_back({{"folder", shard.folder},
                      {"first_slot", shard.slots.first},
                      {"end_slot", shard.slots.last}});
  for (const CheckpointFile& file : manifest.files)
    files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"xxh128", file.xxh128}});
  json metrics = json::object();
  for (const auto& [name, value] : manifest.metrics)
    metrics[name] = std::isfinite(value) ? json(value) : json();  // JSON has no NaN
  json positions = json::array();
  for (const auto& [group, line] : manifest.positions) positions.push_back({group, line});
  return {{"format", kFormat},
          {"step", manifest.step},
          {"epoch", manifest.epoch},
          {"incarnation", manifest.incarnation},
          {"readers", manifest.readers},
          {"config_hash", manifest.config_hash},
          {"data_order", manifest.data_order},
          {"positions", positions},
          {"tables", tables},
          {"shards", shards},
          {"files", files},
          {"metrics", metrics}};
}

Result<CheckpointManifest> manifest_from_json(const json& object) {
  std::string problem;
  Fields fields(object, "", problem);
  CheckpointManifest manifest;
  if (fields.number("format", kAnyNumber) != kFormat)
    fields.report("format", fmt::format("is not {}", kFormat));
  manifest.step = fields.number("step", kAnyNumber);
  manifest.epoch = fields.number("epoch", kAnyNumber);
  manifest.incarnation = fields.number("incarnation", kAnyNumber);
  manifest.readers = fields.number32("readers");
  manifest.config_hash = fields.text("config_hash");
  manifest.data_order = fields.text("data_order");
  positions_from(fields, manifest);
  fields.objects("tables", [&](Fields& table) { manifest.tables.push_back(table_from(table)); });
  if (manifest.tables.size() > kTablesMax) fields.report("tables", "are too many");
  fields.objects("shards", [&](Fields& shard) {
    manifest.shards.push_back(
        {shard.path("folder"),
         {shard.number32("first_slot", kSlots), shard.number32("end_slot", kSlots)}});
  });
  fields.objects("files", [&](Fields& file) {
    manifest.files.push_back(
        {file.path("name"), file.number("bytes", kAnyNumber), file.text("xxh128")});
  });
  metrics_from(fields, manifest);
  if (!problem.empty()) return Error{ErrorCode::kCorrupt, problem};
  return manifest;
}

}  // namespace cairn
