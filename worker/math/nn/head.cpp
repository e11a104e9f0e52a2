#include "worker/math/nn/head.h"

#include "worker/math/nn/mmoe.h"
#include "worker/math/nn/ple.h"
#include "worker/math/nn/shared_bottom.h"

namespace cairn::math::nn {

std::unique_ptr<HeadLayer> make_head(Parameters& parameters, const ModelConfig& config,
                                     const std::vector<std::string>& tasks, size_t in) {
  switch (config.head) {
    case Head::kSharedBottom:
      return std::make_unique<SharedBottom>(parameters, config, in);
    case Head::kMmoe:
      return std::make_unique<Mmoe>(parameters, config, tasks.size(), in);
    case Head::kPle:
      return std::make_unique<Ple>(parameters, config, tasks, in);
  }
  return nullptr;
}

}  // namespace cairn::math::nn
