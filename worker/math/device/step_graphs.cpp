#include "worker/math/device/step_graphs.h"

namespace cairn::math {

// Cuts the graph where a part becomes ready: what is told then happens outside of it.
class StepGraphs::Recorder final : public GradientSink {
 public:
  Recorder(Device& device, Kept& kept) : device_(device), kept_(kept) {
    device_.begin_capture(device_.stream());
  }
  void ready(std::span<float> part) override {
    finish();
    kept_.push_back(part);
    device_.begin_capture(device_.stream());
  }
  void finish() { kept_.push_back(device_.end_capture(device_.stream())); }

 private:
  Device& device_;
  Kept& kept_;
};

void StepGraphs::run(const Shape& shape, uint64_t memory, GradientSink& sink,
                     const std::function<void(GradientSink&)>& work) {
  memory += device_->scratch_generation();
  if (memory != memory_ || entries_.size() > kMost) {
    clear();
    memory_ = memory;
  }
  Entry& entry = entries_[shape];
  if (++entry.seen == 1) return work(sink);
  if (entry.kept.empty()) {
    Recorder recorder(*device_, entry.kept);
    work(recorder);
    recorder.finish();
  }
  for (const auto& piece : entry.kept) {
    if (const Graph* graph = std::get_if<Graph>(&piece))
      device_->launch(*graph, device_->stream());
    else
      sink.ready(std::get<std::span<float>>(piece));
  }
}

void StepGraphs::clear() {
  for (auto& [shape, entry] : entries_)
    for (const auto& piece : entry.kept)
      if (const Graph* graph = std::get_if<Graph>(&piece)) device_->destroy(*graph);
  entries_.clear();
}

}  // namespace cairn::math
