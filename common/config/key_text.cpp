#include "common/config/key_text.h"

#include <fmt/format.h>

#include <cmath>

#include "common/config/scalars.h"

namespace cairn {
namespace {

struct TypeText {
  std::string_view name, wanted;
};

struct TypeOf {
  TypeText operator()(bool*) const { return {"true or false", "want true or false"}; }
  TypeText operator()(uint16_t*) const { return kInteger; }
  TypeText operator()(uint32_t*) const { return kInteger; }
  TypeText operator()(uint64_t*) const { return kInteger; }
  TypeText operator()(std::optional<uint32_t>*) const { return kInteger; }
  TypeText operator()(float*) const { return kNumber; }
  TypeText operator()(double*) const { return kNumber; }
  TypeText operator()(std::string*) const { return {"text", "want text"}; }
  TypeText operator()(std::vector<std::string>*) const {
    return {"text or list", "want text or a list of text"};
  }
  TypeText operator()(std::vector<uint32_t>*) const {
    return {"list of integers", "want a list of integers"};
  }
  TypeText operator()(std::vector<double>*) const {
    return {"list of numbers", "want a list of numbers"};
  }
  TypeText operator()(const EnumRef&) const { return {"word", "want"}; }
  TypeText operator()(const TransformsRef&) const { return {"word or list", "want a list of"}; }
  TypeText operator()(const LabelRef&) const {
    return {"label", "want a column, or a comparison as 'rating >= 4'"};
  }
  TypeText operator()(const BlockRef&) const { return {"block", "want a block of keys"}; }
  TypeText operator()(const BlocksRef& ref) const {
    return ref.name ? TypeText{"map of blocks", "want a map from names to blocks"}
                    : TypeText{"list of blocks", "want a list of blocks"};
  }

  static constexpr TypeText kInteger = {"integer", "want an integer"};
  static constexpr TypeText kNumber = {"number", "want a number"};
};

FieldRef fresh_field(const ConfigKey& key) { return key.at(key.fresh()); }

std::string bound(const ConfigKey& key, double value) {
  return key.unit == Unit::kBytes ? print_bytes(static_cast<uint64_t>(value))
                                  : fmt::format("{}", value);
}

std::string range_text(const ConfigKey& key) {
  std::string out;
  const bool low = std::isfinite(key.min), high = std::isfinite(key.max);
  if (low && high && !key.above_min && !key.below_max)
    out = fmt::format("{} to {}", bound(key, key.min), bound(key, key.max));
  else if (low && !high)
    out = key.above_min ? "above " + bound(key, key.min) : bound(key, key.min) + " or more";
  else if (low)
    out = fmt::format("{} {}, {} {}", key.above_min ? "above" : "from", bound(key, key.min),
                      key.below_max ? "below" : "up to", bound(key, key.max));
  if (!key.zero_word.empty()) out = fmt::format("{}, {}", key.zero_word, out);
  return out;
}

bool is_number(const FieldRef& ref) {
  return std::visit(
      [](const auto& r) {
        using T = std::decay_t<decltype(r)>;
        return std::is_same_v<T, uint16_t*> || std::is_same_v<T, uint32_t*> ||
               std::is_same_v<T, uint64_t*> || std::is_same_v<T, float*> ||
               std::is_same_v<T, double*> || std::is_same_v<T, std::vector<uint32_t>*> ||
               std::is_same_v<T, std::vector<double>*> ||
               std::is_same_v<T, std::optional<uint32_t>*>;
      },
      ref);
}

}  // namespace

std::string type_text(const ConfigKey& key) {
  if (key.unit == Unit::kBytes) return "size";
  return std::string(std::visit(TypeOf{}, fresh_field(key)).name);
}

std::string allowed_text(const ConfigKey& key) {
  const FieldRef ref = fresh_field(key);
  if (const EnumRef* e = std::get_if<EnumRef>(&ref))
    return fmt::format("{}", fmt::join(e->words, ", "));
  if (const TransformsRef* t = std::get_if<TransformsRef>(&ref))
    return fmt::format("{}", fmt::join(t->words, ", "));
  if (!key.values.empty()) return fmt::format("{}", fmt::join(key.values, ", "));
  return is_number(ref) ? range_text(key) : "";
}

std::string wanted(const ConfigKey& key) {
  const std::string allowed = allowed_text(key);
  if (key.unit == Unit::kBytes) return fmt::format("want a size as 64M or 4GiB, {}", allowed);
  if (!key.values.empty()) return "want " + allowed;
  const FieldRef ref = fresh_field(key);
  const std::string_view type = std::visit(TypeOf{}, ref).wanted;
  const bool words =
      std::holds_alternative<EnumRef>(ref) || std::holds_alternative<TransformsRef>(ref);
  if (allowed.empty()) return std::string(type);
  return fmt::format("{}{} {}", type, words ? "" : ",", allowed);
}

std::vector<std::string> names_of(std::span<const ConfigKey> keys) {
  std::vector<std::string> names;
  for (const ConfigKey& key : keys) names.emplace_back(key.name);
  return names;
}

}  // namespace cairn
