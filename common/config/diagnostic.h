// Says what is wrong with a job file, and where.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace cairn {

struct Diagnostic {
  std::string file;      // "--set" for an override
  uint32_t line = 0;     // from 1; the number of an override. 0: the file as a whole
  uint32_t column = 0;   // from 1
  std::string key_path;  // "train.optimizer.type", "features.0.dim"; may be empty
  std::string what;      // what is wrong
  std::string hint;      // what would be right

  // `file:line:column: key.path: what is wrong; what would be right`
  std::string text() const;
  friend bool operator==(const Diagnostic&, const Diagnostic&) = default;
};

// Where a key or a value stands.
struct Position {
  std::string_view file;  // outlives the tree: the caller's path or "--set"
  uint32_t line = 0, column = 0;
};

// Holds problems in the order found. `sorted` gives the order of the file, overrides last.
class Diagnostics {
 public:
  void add(const Position& at, std::string key_path, std::string what, std::string hint);

  // Whether a problem at or below `key_path` was reported. The value there cannot be validated
  // further.
  bool has(std::string_view key_path) const;
  bool empty() const { return list_.empty(); }
  std::vector<Diagnostic> sorted() const;

 private:
  std::vector<Diagnostic> list_;
};

// The word of `known` nearest to `word` by edit distance; empty where none is near enough.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// "did you mean 'x'?", or "known: a, b, c".
std::string suggest(std::string_view word, const std::vector<std::string>& known);

}  // namespace cairn
