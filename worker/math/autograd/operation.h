// The description that an operation gives to the tape, so that the graph of a model can be printed
// and exported (worker/math/models/operation_graph.h). It is made of views: nothing is copied
// unless the tape keeps it.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include "worker/math/ops/embedding.h"

namespace cairn::math {

struct Variable;

// Variables in the operation's own order; null stands for an operand that it does without.
class Operands {
 public:
  Operands() = default;
  Operands(std::initializer_list<const Variable*> all) : all_(all) {}
  explicit Operands(std::span<const Variable* const> all) : all_(all) {}
  Operands(std::span<Variable* const> all) : all_(all) {}
  Operands(std::span<Variable*> all) : all_(all) {}

  auto begin() const { return all_.begin(); }
  auto end() const { return all_.end(); }
  size_t size() const { return all_.size(); }
  const Variable* operator[](size_t i) const { return all_[i]; }
  std::span<const Variable* const> span() const { return all_; }

 private:
  std::span<const Variable* const> all_;
};

// A setting of an operation: a number or a word, which lives as long as the program or the job.
struct Attribute {
  Attribute() = default;
  Attribute(const char* name, size_t number) : name(name), number(static_cast<double>(number)) {}
  Attribute(const char* name, float number) : name(name), number(static_cast<double>(number)) {}
  Attribute(const char* name, std::string_view word) : name(name), word(word) {}

  const char* name = nullptr;
  double number = 0.0;
  std::string_view word;  // empty: it is a number
};

// Make it in the call that takes it: its lists of operands live no longer.
struct Operation {
  const char* name = nullptr;  // that of its function in worker/math/autograd/
  Operands inputs, outputs = {};
  std::span<const Attribute> attributes = {};
  std::span<const BagView> bags = {};  // ids that it reads, in the order of its tables
};

}  // namespace cairn::math
