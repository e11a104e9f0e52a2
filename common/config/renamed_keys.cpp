#include "common/config/renamed_keys.h"

#include <fmt/format.h>

#include <algorithm>

namespace cairn {

void rename_old_keys(YamlNode& node, std::span<const ConfigKey> keys, const std::string& path,
                     Diagnostics& warnings, Diagnostics& diagnostics) {
  if (!node.is_map()) return;
  for (const ConfigKey& key : keys) {
    if (key.formerly.empty() || node.find(key.formerly) == nullptr) continue;
    const auto old = std::ranges::find(node.entries, key.formerly, &YamlEntry::key);
    const std::string old_path = join(path, key.formerly);
    if (node.find(key.name) != nullptr) {
      diagnostics.add(old->at, old_path, fmt::format("is the old name of {}", key.name),
                      fmt::format("give {} alone", key.name));
      node.entries.erase(old);
      continue;
    }
    warnings.add(old->at, old_path, "has a new name",
                 fmt::format("write {} (the next version knows only that)", key.name));
    old->key = key.name;
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
