#include "common/config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace cairn {
namespace {

// Levenshtein's distance, with a swap of neighbours as one edit (Damerau, in its restricted form).
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string Diagnostic::text() const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}:{}", line, column);
  out += ": ";
  if (!key_path.empty()) out += key_path + ": ";
  out += what;
  if (!hint.empty()) out += "; " + hint;
  return out;
}

void Diagnostics::add(const Position& at, std::string key_path, std::string what,
                      std::string hint) {
  list_.push_back({std::string(at.file), at.line, at.column, std::move(key_path), std::move(what),
                   std::move(hint)});
}

bool Diagnostics::has(std::string_view key_path) const {
  return std::any_of(list_.begin(), list_.end(), [&](const Diagnostic& d) {
    const std::string_view path = d.key_path;
    return path.starts_with(key_path) &&
           (path.size() == key_path.size() || path[key_path.size()] == '.');
  });
}

std::vector<Diagnostic> Diagnostics::sorted() const {
  std::vector<Diagnostic> out = list_;
  const auto key = [](const Diagnostic& d) {
    return std::tuple(d.file == "--set", d.line, d.column);
  };
  std::stable_sort(out.begin(), out.end(),
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
  return out;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  std::string best;
  // A third of the letters wrong is a typo; more is another word. Long words are not compared: the
  // file is not trusted.
  size_t best_distance = word.size() > 64 ? 0 : std::max<size_t>(word.size() / 3, 1) + 1;
  for (const std::string& candidate : known) {
    if (candidate.size() > 64) continue;
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

std::string suggest(std::string_view word, const std::vector<std::string>& known) {
  const std::string near = nearest(word, known);
  if (!near.empty()) return fmt::format("did you mean '{}'?", near);
  constexpr size_t kShown = 24;
  const bool all = known.size() <= kShown;
  return fmt::format("known: {}{}",
                     fmt::join(known.begin(), all ? known.end() : known.begin() + kShown, ", "),
                     all ? "" : ", ...");
}

}  // namespace cairn
