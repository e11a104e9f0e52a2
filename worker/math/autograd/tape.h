// Reverse-mode differentiation. Functions (worker/math/autograd/functions.h) compute forward, and
// record on the tape their description (worker/math/autograd/operation.h) and their backward;
// `backward` runs these from the last to the first. Layers are forward code only.
//
// Variables, records and intermediate results live in the tape's arena, so a step takes nothing
// from the heap; parameters and inputs live with their owners. A tape serves one step. Thread
// safety: none.
#pragma once

#include <span>
#include <type_traits>

#include "common/config/train_config.h"
#include "worker/math/autograd/operation.h"
#include "worker/math/autograd/step_context.h"
#include "worker/math/ops/ops.h"
#include "worker/math/tensor/arena.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math {

// A value that takes part in a computation, and its gradient.
struct Variable {
  Tensor value;
  Tensor gradient;              // without storage until something is written to it
  bool needs_gradient = false;  // it is a parameter or rests on one
  bool written = false;         // the gradient holds a part; the next one is added
  size_t last_part = 0;         // number, from 1, of the record of backward that gave the last part

  size_t rows() const { return value.rows(); }
  size_t cols() const { return value.cols(); }
  Matrix matrix() const { return value.matrix(); }
};

class Tape {
 public:
  enum class Mode { kTraining, kInference };  // inference records no backward

  Tape(const Ops& ops, Arena& arena, Mode mode, const StepContext& context = {},
       Precision precision = Precision::kF32)
      : ops_(ops), arena_(arena), mode_(mode), context_(context), precision_(precision) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const Ops& ops() const { return ops_; }
  Arena& arena() { return arena_; }
  bool training() const { return mode_ == Mode::kTraining; }
  const StepContext& context() const { return context_; }
  const StepNumbers* step_numbers();

  // v's value rounded to bf16, made at the first call: a factor of several products is rounded once
  // per step. Empty where products are of float32.
  ConstRoundedMatrix rounded(const Variable* v);

  // A given value: a constant has no gradient, backward overwrites `gradient` with that of an
  // input.
  Variable* constant(Matrix value);
  Variable* input(Matrix value, Matrix gradient);
  Variable* constant(const Tensor& value);
  Variable* input(const Tensor& value);  // a floating type; the gradient stands in the arena
  // A result [rows, cols] to be computed. It needs a gradient if any of `sources` does.
  Variable* result(size_t rows, size_t cols, std::initializer_list<const Variable*> sources);
  // A computed result of any rank and type. Whole numbers have no gradient.
  Variable* result(const Tensor& value, std::span<Variable* const> sources);

  // Called by a function after it computed its outputs. `operation` says what it did; `step(tape)`
  // propagates the gradients of the outputs to the inputs, and is copied into the arena. The first
  // output stands for all: the step runs where that one needs a gradient.
  template <typename Step>
  void record(const Operation& operation, Step step) {
    static_assert(std::is_trivially_destructible_v<Step> && std::is_trivially_copyable_v<Step>);
    describe(operation);
    if (mode_ == Mode::kInference || !operation.outputs[0]->needs_gradient) return;
    last_ = arena_.make<Record>(
        Record{[](Tape& tape, const void* held) { (*static_cast<const Step*>(held))(tape); },
               arena_.make<Step>(step), last_});
  }
  // The same of an operation that has no backward, or does it at once.
  void describe(const Operation& operation) {
    if (keeps_operations_) keep(operation);
  }

  // From here on the tape keeps a copy of each description, in its arena. Steps do not ask for it.
  void keep_operations() { keeps_operations_ = true; }
  struct KeptOperation : Operation {
    const KeptOperation* before = nullptr;
  };
  const KeptOperation* last_operation() const { return last_operation_; }

  // Runs the recorded steps, last first. Before it, the gradients of the computation's ends must
  // have been written (a loss does so). `after_each` is told how many records have run.
  void backward() {
    backward([](size_t) {});
  }
  template <typename AfterEach>
  void backward(AfterEach after_each) {
    for (; last_ != nullptr; last_ = last_->before) {
      ++records_run_;
      last_->run(*this, last_->held);
      after_each(records_run_);
    }
  }

  // ---- for the recorded steps ----

  // The place for a part of v's gradient: empty if v needs none; the first part replaces.
  Gradient gradient_of(Variable* v);
  // v's complete gradient; zero if nothing that follows v was used.
  Matrix complete_gradient(Variable* v);
  // The same for any rank and type, as operations in worker/math/tensor/ want it. `add_gradient`
  // adds a part if v needs a gradient.
  void add_gradient(Variable* v, const Tensor& part);
  Tensor complete_tensor_gradient(Variable* v);
  // Takes `part` as v's gradient, storage included, which saves a copy: the caller gives it up.
  // False, and nothing happened, if v needs no gradient or its gradient has storage already, and so
  // perhaps a part.
  bool adopt_gradient(Variable* v, Matrix part);

 private:
  void keep(const Operation& operation);

  struct Record {
    void (*run)(Tape&, const void*);
    const void* held;
    const Record* before;
  };

  struct Rounded {
    const Variable* of;
    ConstRoundedMatrix value;
    const Rounded* before;
  };

  const Ops& ops_;
  Arena& arena_;
  Mode mode_;
  StepContext context_;
  Precision precision_;
  const Record* last_ = nullptr;
  const Rounded* last_rounded_ = nullptr;
  size_t records_run_ = 0;
  bool keeps_operations_ = false;
  const KeptOperation* last_operation_ = nullptr;
};

}  // namespace cairn::math
