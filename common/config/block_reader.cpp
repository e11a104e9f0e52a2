#include "common/config/block_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/config/key_text.h"
#include "common/config/scalars.h"

namespace cairn {
namespace {

std::string describe(const YamlNode& node) {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "has no value";
    case YamlNode::Kind::kScalar:
      return fmt::format("'{}' is a single value", node.text);
    case YamlNode::Kind::kList:
      return "is a list";
    case YamlNode::Kind::kMap:
      return "is a block of keys";
  }
  return "";
}

std::vector<std::string> strings(std::span<const std::string_view> words) {
  return {words.begin(), words.end()};
}

// Reads one value into the field that visits it.
class ValueReader {
 public:
  ValueReader(const YamlNode& node, const Position& key_at, const ConfigKey& key, std::string path,
              Diagnostics& diagnostics)
      : node_(node),
        key_at_(key_at),
        key_(key),
        path_(std::move(path)),
        diagnostics_(diagnostics) {}

  void operator()(bool* out) {
    if (scalar(node_)) assign(node_, parse_bool(node_.text), *out);
  }
  void operator()(uint16_t* out) { integer(node_, *out); }
  void operator()(uint32_t* out) { integer(node_, *out); }
  void operator()(uint64_t* out) { integer(node_, *out); }
  void operator()(std::optional<uint32_t>* out) {
    uint32_t value = 0;
    if (integer(node_, value)) *out = value;
  }
  void operator()(float* out) { real(node_, *out); }
  void operator()(double* out) { real(node_, *out); }
  void operator()(std::string* out) { text(node_, *out); }

  void operator()(std::vector<std::string>* out) {
    list(out, [this](const YamlNode& item, std::string& value) { return text(item, value); });
  }
  void operator()(std::vector<uint32_t>* out) {
    list(out, [this](const YamlNode& item, uint32_t& value) { return integer(item, value); });
  }
  void operator()(std::vector<double>* out) {
    list(out, [this](const YamlNode& item, double& value) { return real(item, value); });
  }

  void operator()(const EnumRef& ref) { word(node_, ref.words, *ref.value); }
  void operator()(const TransformsRef& ref) {
    list(ref.values, [&](const YamlNode& item, Transform& value) {
      uint8_t index = 0;
      if (!word(item, ref.words, index)) return false;
      value = static_cast<Transform>(index);
      return true;
    });
  }

  void operator()(const LabelRef& ref) {
    Label label;
    if (!scalar(node_) || !assign(node_, parse_label(node_.text), label)) return;
    if (label.column.empty()) return report(node_, "is empty", wanted(key_));
    ref.task->column = label.column;
    ref.task->comparison = label.comparison;
    ref.task->threshold = label.threshold;
  }

  void operator()(const BlockRef& ref) {
    read_block(node_, key_at_, ref.keys, ref.object, path_, diagnostics_);
  }

  void operator()(const BlocksRef& ref) {
    if (node_.is_null() && !key_.required) return;
    if (ref.name) {
      if (!node_.is_map()) return report(node_, describe(node_), wanted(key_));
      for (const YamlEntry& entry : node_.entries) {
        void* item = ref.append(ref.owner);
        *ref.name(item) = entry.key;
        read_block(entry.value, entry.at, ref.keys, item, join(path_, entry.key), diagnostics_);
      }
      return;
    }
    if (!node_.is_list()) return report(node_, describe(node_), wanted(key_));
    if (node_.items.empty() && key_.required) report(node_, "is empty", wanted(key_));
    for (size_t i = 0; i < node_.items.size(); ++i)
      read_block(node_.items[i], node_.items[i].at, ref.keys, ref.append(ref.owner),
                 join(path_, std::to_string(i)), diagnostics_);
  }

 private:
  void report(const YamlNode& node, std::string what, std::string hint) {
    diagnostics_.add(node.at, path_, std::move(what), std::move(hint));
  }

  bool scalar(const YamlNode& node) {
    if (node.is_scalar()) return true;
    report(node, describe(node), wanted(key_));
    return false;
  }

  template <typename T>
  bool assign(const YamlNode& node, Parsed<T> parsed, T& out) {
    if (const Problem* problem = std::get_if<Problem>(&parsed)) {
      report(node, problem->what, problem->hint.empty() ? wanted(key_) : problem->hint);
      return false;
    }
    out = std::get<T>(std::move(parsed));
    return true;
  }

  bool number(const YamlNode& node) {
    if (!scalar(node)) return false;
    if (!node.quoted) return true;
    report(node, fmt::format("'{}' is text, as it is quoted", node.text), wanted(key_));
    return false;
  }

  bool in_range(const YamlNode& node, double value) {
    const bool low = key_.above_min ? value > key_.min : value >= key_.min;
    const bool high = key_.below_max ? value < key_.max : value <= key_.max;
    if (low && high) return true;
    report(node, fmt::format("{} is out of range", node.text), wanted(key_));
    return false;
  }

  template <typename T>
  bool integer(const YamlNode& node, T& out) {
    if (!number(node)) return false;
    if (!key_.zero_word.empty() && node.text == key_.zero_word) {
      out = 0;
      return true;
    }
    Integer value;
    if (key_.unit == Unit::kBytes) {
      if (!assign(node, parse_bytes(node.text), value.magnitude)) return false;
    } else if (!assign(node, parse_integer(node.text), value)) {
      return false;
    }
    if (value.magnitude > std::numeric_limits<T>::max()) {
      report(node, fmt::format("{} is out of range", node.text), wanted(key_));
      return false;
    }
    const double real = static_cast<double>(value.magnitude);
    if (!in_range(node, value.negative ? -real : real)) return false;
    out = static_cast<T>(value.magnitude);
    return true;
  }

  template <typename T>
  bool real(const YamlNode& node, T& out) {
    T value{};
    if (!number(node) || !assign(node, parse_real<T>(node.text), value)) return false;
    if (!in_range(node, static_cast<double>(value))) return false;
    out = value;
    return true;
  }

  bool text(const YamlNode& node, std::string& out) {
    std::string value;
    if (!scalar(node) || !assign(node, expand_environment(node.text), value)) return false;
    if (value.empty() && !key_.may_be_empty) {
      report(node, "is empty", wanted(key_));
      return false;
    }
    if (!key_.values.empty() &&
        std::find(key_.values.begin(), key_.values.end(), value) == key_.values.end()) {
      unknown_word(node, key_.values);
      return false;
    }
    out = std::move(value);
    return true;
  }

  bool word(const YamlNode& node, std::span<const std::string_view> words, uint8_t& out) {
    if (!scalar(node)) return false;
    const auto found = std::find(words.begin(), words.end(), node.text);
    if (found == words.end()) {
      unknown_word(node, words);
      return false;
    }
    out = static_cast<uint8_t>(found - words.begin());
    return true;
  }

  void unknown_word(const YamlNode& node, std::span<const std::string_view> words) {
    if (std::find(key_.later.begin(), key_.later.end(), node.text) != key_.later.end())
      return report(node, fmt::format("'{}' is not in this version", node.text), wanted(key_));
    const std::string near = nearest(node.text, strings(words));
    report(node, fmt::format("unknown value '{}'", node.text),
           near.empty() ? wanted(key_) : fmt::format("did you mean '{}'?", near));
  }

  // A single value is a list of one.
  template <typename T, typename Read>
  void list(std::vector<T>* out, const Read& read) {
    out->clear();
    T value{};
    if (node_.is_scalar()) {
      if (read(node_, value)) out->push_back(std::move(value));
      return;
    }
    if (!node_.is_list()) return report(node_, describe(node_), wanted(key_));
    if (node_.items.empty() && key_.required) return report(node_, "is empty", wanted(key_));
    const std::string path = path_;
    for (size_t i = 0; i < node_.items.size(); ++i) {
      path_ = join(path, std::to_string(i));
      if (read(node_.items[i], value)) out->push_back(std::move(value));
    }
    path_ = path;
  }

  const YamlNode& node_;
  const Position& key_at_;
  const ConfigKey& key_;
  std::string path_;
  Diagnostics& diagnostics_;
};

void report_unknown(const YamlNode& node, std::span<const ConfigKey> keys, const std::string& path,
                    Diagnostics& diagnostics) {
  for (const YamlEntry& entry : node.entries) {
    const bool known = std::any_of(keys.begin(), keys.end(),
                                   [&](const ConfigKey& key) { return key.name == entry.key; });
    if (known) continue;
    if (entry.key == "<<")
      diagnostics.add(entry.at, join(path, entry.key), "merge keys (<<) are not supported",
                      "write the keys out");
    else
      diagnostics.add(entry.at, join(path, entry.key), "unknown key",
                      suggest(entry.key, names_of(keys)));
  }
}

// Copies the value of a field between two objects of one type.
struct CopyField {
  const FieldRef& from;
  template <typename T>
  void operator()(T* to) const {
    *to = *std::get<T*>(from);
  }
  void operator()(const EnumRef& to) const { *to.value = *std::get<EnumRef>(from).value; }
  void operator()(const TransformsRef& to) const {
    *to.values = *std::get<TransformsRef>(from).values;
  }
  // No key of these types has a condition.
  void operator()(const LabelRef&) const {}
  void operator()(const BlockRef&) const {}
  void operator()(const BlocksRef&) const {}
};

}  // namespace

void read_block(const YamlNode& node, const Position& at, std::span<const ConfigKey> keys,
                void* object, const std::string& path, Diagnostics& diagnostics) {
  if (!node.is_map() && !node.is_null()) {
    diagnostics.add(node.at, path, describe(node),
                    fmt::format("want a block of keys: {}", fmt::join(names_of(keys), ", ")));
    return;
  }
  report_unknown(node, keys, path, diagnostics);
  bool sound = true;  // a condition can be validated only if what it rests on was read
  for (const ConfigKey& key : keys) {
    const std::string key_path = join(path, key.name);
    if (const YamlEntry* entry = node.find(key.name)) {
      const FieldRef field = key.at(object);
      ValueReader reader(entry->value, entry->at, key, key_path, diagnostics);
      std::visit(reader, field);
      sound = sound && !diagnostics.has(key_path);
    } else if (key.required) {
      diagnostics.add(at, key_path, "required key is missing",
                      fmt::format("{}: {}", wanted(key), key.text));
    }
  }
  for (const ConfigKey& key : keys) {
    if (!sound || !key.applies || key.applies(object)) continue;
    if (const YamlEntry* entry = node.find(key.name))
      diagnostics.add(entry->at, join(path, key.name), "has no meaning here",
                      key.takes_text ? key.takes_text(object) : std::string(key.applies_text));
    const FieldRef fresh = key.at(key.fresh());
    std::visit(CopyField{fresh}, key.at(object));
  }
}

}  // namespace cairn
