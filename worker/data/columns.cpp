#include "worker/data/columns.h"

#include <algorithm>
#include <numeric>

namespace cairn::data {
namespace {

// Source: Levenshtein, Soviet Physics Doklady 10 (1966), one row of the table at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string nearest_column(std::string_view wanted, std::span<const std::string> names) {
  size_t least = std::max<size_t>(1, wanted.size() / 2) + 1;
  std::string nearest;
  for (const std::string& name : names) {
    const size_t distance = edit_distance(wanted, name);
    if (distance >= least) continue;
    least = distance;
    nearest = name;
  }
  return nearest;
}

}  // namespace cairn::data
