#include "worker/collective/staged_collective.h"

namespace cairn::collective {

namespace {

class StagedCollective final : public Collective {
 public:
  StagedCollective(Collective& host, math::Memory& memory) : host_(host), memory_(memory) {}
  ~StagedCollective() override { free_staging(); }

  uint32_t rank() const override { return host_.rank(); }
  uint32_t size() const override { return host_.size(); }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    if (size() == 1 || values.empty()) return host_.all_reduce({}, mine);
    const std::span<float> staging = staging_for(values.size());
    memory_.read(staging, values.data());
    Result<std::vector<Control>> controls = host_.all_reduce(staging, mine);
    if (controls.ok()) memory_.write(values.data(), std::span<const float>(staging));
    return controls;
  }

  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    return host_.gather_to_first(std::move(mine));
  }
  Result<std::vector<std::string>> all_gather(std::string mine) override {
    return host_.all_gather(std::move(mine));
  }
  bool lost() const override { return host_.lost(); }

 private:
  std::span<float> staging_for(size_t count) {
    if (staging_.size() < count) {
      free_staging();
      void* block = memory_.allocate_staging(count * sizeof(float));
      staging_ = {static_cast<float*>(block), count};
    }
    return staging_.first(count);
  }
  void free_staging() {
    if (!staging_.empty()) memory_.free_staging(staging_.data(), staging_.size_bytes());
  }

  Collective& host_;
  math::Memory& memory_;
  std::span<float> staging_;  // as long as the longest sum so far
};

}  // namespace

std::unique_ptr<Collective> make_staged_collective(Collective& host, math::Memory& memory) {
  return std::make_unique<StagedCollective>(host, memory);
}

}  // namespace cairn::collective
