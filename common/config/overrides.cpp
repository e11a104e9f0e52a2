#include "common/config/overrides.h"

#include <fmt/format.h>

#include <charconv>

namespace cairn {
namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> steps;
  for (;;) {
    const size_t dot = path.find('.');
    steps.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return steps;
    path.remove_prefix(dot + 1);
  }
}

// The node that `step` of `parent` names; of a map it is made if missing. nullptr: reported.
YamlNode* descend(YamlNode& parent, const std::string& step, const std::string& path,
                  const Position& at, Diagnostics& diagnostics) {
  if (parent.is_list()) {
    size_t index = 0;
    const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (error == std::errc{} && end == step.data() + step.size() && index < parent.items.size())
      return &parent.items[index];
    const size_t size = parent.items.size();
    diagnostics.add(at, path, fmt::format("there is no item '{}' in a list of {}", step, size),
                    size == 0 ? "set the whole list" : fmt::format("want 0 to {}", size - 1));
    return nullptr;
  }
  if (parent.is_scalar()) {
    diagnostics.add(at, path, "what it is in is a single value", "set that, or check the path");
    return nullptr;
  }
  parent.kind = YamlNode::Kind::kMap;
  if (YamlEntry* entry = parent.find(step)) return &entry->value;
  parent.entries.push_back({step, at, {.at = at}});
  return &parent.entries.back().value;
}

void apply(YamlNode& root, const std::string& text, uint32_t number, Diagnostics& diagnostics) {
  const Position at{"--set", number, 1};
  const size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  const std::vector<std::string> steps = split(path);
  bool named = equals != std::string::npos;
  for (const std::string& step : steps) named = named && !step.empty();
  if (!named)
    return diagnostics.add(at, "", fmt::format("'{}' is not an override", text),
                           "write key.path=value, as train.epochs=2");

  Diagnostics syntax;
  YamlNode value = parse_override_value(text.substr(equals + 1), number,
                                        static_cast<uint32_t>(equals + 2), syntax);
  for (const Diagnostic& problem : syntax.sorted())
    diagnostics.add({"--set", problem.line, problem.column}, path, problem.what, problem.hint);
  if (!syntax.empty()) return;

  YamlNode* node = &root;
  for (const std::string& step : steps) {
    node = descend(*node, step, path, at, diagnostics);
    if (node == nullptr) return;
  }
  *node = std::move(value);
}

}  // namespace

void apply_overrides(YamlNode& root, std::span<const std::string> overrides,
                     Diagnostics& diagnostics) {
  for (size_t i = 0; i < overrides.size(); ++i)
    apply(root, overrides[i], static_cast<uint32_t>(i + 1), diagnostics);
}

}  // namespace cairn
