#include "bench/gpu/embedding_case.h"

#include "bench/gpu/keys.h"
#include "bench/gpu/timing.h"
#include "common/random.h"
#include "worker/math/tensor/buffer.h"
#include "worker/synthetic/zipf.h"

namespace cairn::gpu {
namespace {

constexpr size_t kBags = 26, kDim = 128, kRows = 1'000'000;
constexpr double kExponent = 1.05;

std::vector<uint32_t> draw(size_t count) {
  const synthetic::ZipfSampler zipf(kRows, kExponent);
  RandomStream random(1, 2);
  std::vector<uint32_t> keys(count);
  for (uint32_t& key : keys) key = static_cast<uint32_t>(zipf(random));
  return keys;
}

std::vector<uint32_t> one_id_a_row(size_t batch) {
  std::vector<uint32_t> offsets;
  for (uint32_t r = 0; r <= batch; ++r) offsets.push_back(r);
  return offsets;
}

}  // namespace

EmbeddingTime measure_embedding(const Machine& machine, size_t batch) {
  math::Device& device = machine.device;
  std::vector<uint32_t> ids = draw(kBags * batch);
  const size_t unique = make_unique(ids, kRows), numbers = ids.size() * kDim;
  math::NumberBuffer<uint32_t> index(device, ids), offsets(device, one_id_a_row(batch));
  math::NumberBuffer<float> rows(device, noise(unique * kDim)), drows(device, unique * kDim);
  math::NumberBuffer<float> pooled(device, numbers), dpooled(device, noise(numbers));
  const math::Matrix table(rows.span().data(), unique, kDim),
      dtable(drows.span().data(), unique, kDim);
  const math::Matrix y(pooled.span().data(), batch, kBags * kDim);
  const math::Matrix dy(dpooled.span().data(), batch, kBags * kDim);

  std::vector<math::PooledBag> bags;
  std::vector<math::Gradient> gradients;
  for (size_t b = 0; b < kBags; ++b) {
    const math::BagView bag = {offsets.span(), index.span().subspan(b * batch, batch),
                               Pooling::kSum};
    bags.push_back({bag, table, b * kDim});
    gradients.push_back({dtable, b == 0 ? math::Write::kReplace : math::Write::kAdd});
  }
  const double seconds = device_seconds(device, [&] {
    machine.plain.pool_forward(bags, y);
    machine.plain.pool_backward(bags, y, dy, gradients);
  });
  const auto of_ids = static_cast<double>(ids.size()), of_rows = static_cast<double>(unique);
  const double row = kDim * sizeof(float), id = sizeof(uint32_t);
  const double bytes = 2 * (of_ids * (id + row) + of_rows * row);
  return {seconds, bytes, bytes + (of_ids - of_rows) * row};
}

}  // namespace cairn::gpu
