#include "ps/policy/removal.h"

#include <algorithm>
#include <optional>
#include <tuple>

namespace cairn::ps {

namespace {

// In double, so that the squares of floats neither overflow nor vanish.
double squared_norm(const float* weights, uint32_t dim) {
  double sum = 0;
  for (uint32_t i = 0; i < dim; ++i) sum += static_cast<double>(weights[i]) * weights[i];
  return sum;
}

// 0 steps: never. Where `ps.recovery: report` gave up steps, the store may hold rows of later ones.
bool have_passed(uint64_t steps, uint64_t since, uint64_t now) {
  return steps > 0 && now >= since && now - since >= steps;
}

std::optional<RemovalReason> why_expired(const TableConfig& table, uint64_t step,
                                         const RowFacts& row) {
  const ExpiryConfig& expiry = table.expiry;
  if (have_passed(expiry.unseen_steps, row.last_step, step)) return RemovalReason::kUnseen;
  if (have_passed(expiry.age_steps, row.created_step, step)) return RemovalReason::kAge;
  const double norm = expiry.min_norm;
  if (norm > 0 && squared_norm(row.weights, table.dim) < norm * norm) return RemovalReason::kNorm;
  return std::nullopt;
}

bool less_valuable(const RowFacts& a, const RowFacts& b) {
  return std::tie(a.count, a.last_step, a.key) < std::tie(b.count, b.last_step, b.key);
}

}  // namespace

bool removes_rows(const TableConfig& table) {
  return table.expiry != ExpiryConfig{} || table.max_rows > 0;
}

uint64_t slot_rows_max(uint64_t max_rows) { return (max_rows + kSlots - 1) / kSlots; }

std::vector<Removal> choose_removals(const TableConfig& table, uint64_t step,
                                     std::vector<RowFacts> rows) {
  std::vector<Removal> removals;
  std::erase_if(rows, [&](const RowFacts& row) {
    const std::optional<RemovalReason> reason = why_expired(table, step, row);
    if (reason.has_value()) removals.push_back({row.key, *reason});
    return reason.has_value();
  });
  const uint64_t rows_max = slot_rows_max(table.max_rows);
  if (table.max_rows > 0 && rows.size() > rows_max) {
    const auto excess_end = rows.begin() + static_cast<ptrdiff_t>(rows.size() - rows_max);
    std::nth_element(rows.begin(), excess_end, rows.end(), less_valuable);
    for (auto row = rows.begin(); row != excess_end; ++row)
      removals.push_back({row->key, RemovalReason::kCap});
  }
  std::ranges::sort(removals, {}, &Removal::key);
  return removals;
}

}  // namespace cairn::ps
