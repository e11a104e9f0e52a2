#include "common/config/renamed_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cairn {

namespace {
bool is_override(const YamlNode& value) { return value.at.file == "--set"; }
}  // namespace

void rename_old_keys(YamlNode& node, std::span<const ConfigKey> keys, const std::string& path,
                     Diagnostics& warnings, Diagnostics& diagnostics) {
  if (!node.is_map()) return;
  for (const ConfigKey& key : keys) {
    if (key.formerly.empty() || node.find(key.formerly) == nullptr) continue;
    const auto old = std::ranges::find(node.entries, key.formerly, &YamlEntry::key);
    const std::string old_path = join(path, key.formerly);
    const auto now = std::ranges::find(node.entries, key.name, &YamlEntry::key);
    const bool both = now != node.entries.end();
    // An override wins, under whichever name.
    const bool overrides = both && is_override(old->value) && !is_override(now->value);
    if (both && !overrides) {
      diagnostics.add(old->at, old_path, fmt::format("is the old name of {}", key.name),
                      fmt::format("give {} alone", key.name));
      node.entries.erase(old);
      continue;
    }
    warnings.add(old->at, old_path, "has a new name",
                 fmt::format("write {} (the next version knows only that)", key.name));
    if (!both) {
      old->key = key.name;
      continue;
    }
    now->value = std::move(old->value);
    node.entries.erase(old);
  }
  for (const ConfigKey& key : keys) {
    const auto entry = std::ranges::find(node.entries, key.name, &YamlEntry::key);
    if (entry == node.entries.end()) continue;
    const FieldRef field = key.at(key.fresh());
    if (const BlockRef* block = std::get_if<BlockRef>(&field))
      rename_old_keys(entry->value, block->keys, join(path, key.name), warnings, diagnostics);
  }
}

}  // namespace cairn
