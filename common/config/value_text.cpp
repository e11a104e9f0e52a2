#include "common/config/value_text.h"

#include <fmt/format.h>

#include "common/config/scalars.h"
#include "common/config/words.h"

namespace cairn {
namespace {

std::string text_of(const std::string& value) { return print_text(escape_environment(value)); }

struct Print {
  const ConfigKey& key;

  std::string operator()(bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(uint16_t* value) const { return integer(*value); }
  std::string operator()(uint32_t* value) const { return integer(*value); }
  std::string operator()(uint64_t* value) const { return integer(*value); }
  std::string operator()(std::optional<uint32_t>* value) const {
    return *value ? integer(**value) : "";
  }
  // The shortest digits that read back as the same value.
  std::string operator()(float* value) const { return fmt::format("{}", *value); }
  std::string operator()(double* value) const { return fmt::format("{}", *value); }
  std::string operator()(std::string* value) const { return text_of(*value); }
  std::string operator()(std::vector<std::string>* values) const {
    std::vector<std::string> items;
    for (const std::string& value : *values) items.push_back(text_of(value));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  std::string operator()(std::vector<uint32_t>* values) const {
    return fmt::format("[{}]", fmt::join(*values, ", "));
  }
  std::string operator()(std::vector<double>* values) const {
    return fmt::format("[{}]", fmt::join(*values, ", "));
  }
  std::string operator()(const EnumRef& ref) const { return std::string(ref.words[*ref.value]); }
  std::string operator()(const TransformsRef& ref) const {
    std::vector<std::string_view> items;
    for (const Transform transform : *ref.values) items.push_back(to_word(transform));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  std::string operator()(const LabelRef& ref) const {
    return print_text(print_label({ref.task->column, ref.task->comparison, ref.task->threshold}));
  }
  std::string operator()(const BlockRef&) const { return ""; }
  std::string operator()(const BlocksRef&) const { return ""; }

  std::string integer(uint64_t value) const {
    if (value == 0 && !key.zero_word.empty()) return std::string(key.zero_word);
    return key.unit == Unit::kBytes ? print_bytes(value) : std::to_string(value);
  }
};

struct IsEmpty {
  bool operator()(std::string* value) const { return value->empty(); }
  bool operator()(std::vector<std::string>* values) const { return values->empty(); }
  bool operator()(std::vector<uint32_t>* values) const { return values->empty(); }
  bool operator()(std::vector<double>* values) const { return values->empty(); }
  bool operator()(std::optional<uint32_t>* value) const { return !value->has_value(); }
  bool operator()(const TransformsRef& ref) const { return ref.values->empty(); }
  bool operator()(const BlocksRef& ref) const { return ref.size(ref.owner) == 0; }
  template <typename Other>
  bool operator()(const Other&) const {
    return false;
  }
};

}  // namespace

std::string print_value(const ConfigKey& key, const FieldRef& field) {
  return std::visit(Print{key}, field);
}

bool is_empty(const FieldRef& field) { return std::visit(IsEmpty{}, field); }

}  // namespace cairn
