// A step's work kept as graphs, so that a few calls give it to a device instead of hundreds. The
// first step of a shape runs as it is (memory grows, products are chosen). The second is kept, and
// from then on the kept one is launched. Where memory that graphs point into has moved, they are
// made again. Thread safety: none; it belongs to its model.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <variant>
#include <vector>

#include "worker/math/device/device.h"

namespace cairn::math {

// Is told, in the midst of a step, that a part of the dense gradients is complete.
class GradientSink {
 public:
  virtual ~GradientSink() = default;
  virtual void ready(std::span<float> part) = 0;
};

class StepGraphs {
 public:
  // Null: nothing is kept.
  explicit StepGraphs(Device* device) : device_(device) {}
  ~StepGraphs() { clear(); }
  StepGraphs(const StepGraphs&) = delete;
  StepGraphs& operator=(const StepGraphs&) = delete;

  bool keeps() const { return device_ != nullptr; }

  using Shape = std::vector<uint64_t>;
  // Runs `work`, or launches the graphs of it that were kept. `work` must give the device the same
  // calls whenever the shape is the same. `memory` counts how often the memory that it uses has
  // been made anew.
  void run(const Shape& shape, uint64_t memory, GradientSink& sink,
           const std::function<void(GradientSink&)>& work);

 private:
  static constexpr size_t kMost = 64;  // shapes kept; one more, and all are made anew

  // Graphs, and between them the parts of the gradients that became ready.
  using Kept = std::vector<std::variant<Graph, std::span<float>>>;
  struct Entry {
    uint64_t seen = 0;
    Kept kept;
  };
  class Recorder;

  void clear();

  Device* device_;
  uint64_t memory_ = 0;
  std::map<Shape, Entry> entries_;
};

}  // namespace cairn::math
