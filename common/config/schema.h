// Every key of a job file, in one table: name, type, default, range or values, one line of
// description. Reading (block_reader.h), writing (resolved.h) and the reference (reference.h) walk
// over the table. So a new key is one line in schema.cpp and one member in job.h.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/job.h"

namespace cairn {

// ---- what a file says, before features are expanded and tables collected

// One entry of `features`: one feature, or several alike.
struct FeatureEntry {
  std::string name;
  std::vector<std::string> names;  // ranges as I1..I13 are expanded later
  std::string column;
  std::vector<std::string> columns;
  std::vector<Transform> transforms;
  std::vector<double> boundaries;
  uint64_t num_buckets = 0;
  std::string separator;
  Pooling pooling = Pooling::kSum;
  std::string target;
  double missing_value = 0.0;
  std::string table;
  std::optional<uint32_t> dim;
};

struct PsDraft {
  PsConfig config;
  TableConfig defaults;             // of every table; its name is empty
  std::vector<TableConfig> tables;  // those that differ
};

// `config` without features, ps and tables, which stand beside it.
struct JobDraft {
  JobConfig config;
  std::vector<FeatureEntry> features;
  PsDraft ps;
};

// ---- the schema

struct ConfigKey;

// A place to read into or write from, by type.
struct EnumRef {
  uint8_t* value;
  std::span<const std::string_view> words;  // in the order of the enumeration
};
struct TransformsRef {
  std::vector<Transform>* values;
  std::span<const std::string_view> words;
};
struct LabelRef {
  TaskConfig* task;
};
struct BlockRef {
  void* object;
  std::span<const ConfigKey> keys;
};
// A list of blocks, or a map from names to blocks.
struct BlocksRef {
  void* owner;
  std::span<const ConfigKey> keys;
  size_t (*size)(const void* owner);
  void* (*at)(void* owner, size_t index);
  void* (*append)(void* owner);
  std::string* (*name)(void* item);  // a map's key is read into it; a list has nullptr
};
using FieldRef =
    std::variant<bool*, uint16_t*, uint32_t*, uint64_t*, float*, double*, std::string*,
                 std::vector<std::string>*, std::vector<uint32_t>*, std::vector<double>*,
                 std::optional<uint32_t>*, EnumRef, TransformsRef, LabelRef, BlockRef, BlocksRef>;

enum class Unit : uint8_t { kPlain, kBytes };

struct ConfigKeyRules {
  std::string_view name;
  std::string_view text;           // description: one line, no full stop
  std::string_view formerly = "";  // its name in the version before, which goes on working
  bool required = false;
  bool by_table = false;  // tables start from it: resolved files give it per table

  // For numbers, each item of a list included.
  double min = 0.0, max = std::numeric_limits<double>::infinity();
  bool above_min = false, below_max = false;  // the bound itself is refused
  Unit unit = Unit::kPlain;
  std::string_view zero_word = "";  // a word for 0: "auto"

  // For text.
  std::span<const std::string_view> values = {};  // allowed; empty: any
  std::span<const std::string_view> later = {};   // known words that this version lacks
  bool may_be_empty = false;

  std::string_view default_text = "";  // where the default depends on other keys
  std::string_view same_as = "";       // of a block: its keys are described at this path

  // Whether the key means something, given the rest of its block; nullptr: always.
  bool (*applies)(const void* object) = nullptr;
  std::string_view applies_text = "";  // "only for adam"
  // Says what the block takes instead, for the error; nullptr: applies_text says it.
  std::string (*takes_text)(const void* object) = nullptr;
};

struct ConfigKey : ConfigKeyRules {
  FieldRef (*at)(void* object) = nullptr;
  // An object just constructed, from which the key's default is read.
  void* (*fresh)() = nullptr;
};

// The keys of a JobDraft.
std::span<const ConfigKey> job_keys();

// Whether the transforms of an entry make ids.
bool makes_ids(const FeatureEntry& entry);

}  // namespace cairn
