// A YAML document as a tree of scalars, lists and maps that know their places. The parser is
// yaml-cpp, which only yaml_tree.cpp includes. The tree is stricter than YAML: it is one document
// with unique scalar keys, and has no anchors, aliases, merge keys or tags.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/diagnostic.h"

namespace cairn {

struct YamlEntry;

struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  Position at = {};
  bool quoted = false;               // of a scalar: '5' and "5" are text, 5 is a number
  std::string text = {};             // of a scalar
  std::vector<YamlNode> items = {};  // of a list
  std::vector<YamlEntry> entries;    // of a map, in the file's order

  bool is_null() const { return kind == Kind::kNull; }
  bool is_scalar() const { return kind == Kind::kScalar; }
  bool is_list() const { return kind == Kind::kList; }
  bool is_map() const { return kind == Kind::kMap; }
  YamlEntry* find(std::string_view key);
  const YamlEntry* find(std::string_view key) const;
};

struct YamlEntry {
  std::string key;
  Position at;  // of the key
  YamlNode value;
};

// Steps from a root to a node: keys, and indices of lists as digits.
using YamlPath = std::initializer_list<std::string_view>;

// "features.0.dim"
std::string join(YamlPath path);
std::string join(std::string_view path, std::string_view key);  // path may be empty

// The value at `path`, or nullptr.
const YamlNode* find(const YamlNode& root, YamlPath path);

// The place at which a problem of `path` is shown. It is the value, or the key of the nearest
// ancestor that exists.
Position position_of(const YamlNode& root, YamlPath path);

// Returns what could be read. Problems go to `diagnostics`. `file` must outlive the tree.
YamlNode parse_yaml(const std::string& text, std::string_view file, Diagnostics& diagnostics);

// The value of the override number `line` (from 1), whose text starts at `column` of its argument.
YamlNode parse_override_value(const std::string& text, uint32_t line, uint32_t column,
                              Diagnostics& diagnostics);

}  // namespace cairn
