// A program of its own, as it replaces operator new: a training step takes nothing from the heap
// once its shapes have been met. What libraries allocate inside their own calls is theirs.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<int> allocations = 0;

// Ours are the calls from this program; libraries are shared objects.
void count(void* caller) {
  if (!counting) return;
  Dl_info from, us;
  if (dladdr(caller, &from) == 0 || dladdr(reinterpret_cast<void*>(&count), &us) == 0 ||
      from.dli_fbase == us.dli_fbase)
    ++allocations;
}

void* take(size_t bytes, size_t alignment, void* caller) {
  count(caller);
  const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  void* piece = std::aligned_alloc(alignment, rounded > 0 ? rounded : alignment);
  if (piece == nullptr) std::abort();
  return piece;
}

}  // namespace

void* operator new(size_t bytes) { return take(bytes, 16, __builtin_return_address(0)); }
void* operator new[](size_t bytes) { return take(bytes, 16, __builtin_return_address(0)); }
void* operator new(size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<size_t>(alignment), __builtin_return_address(0));
}
void operator delete(void* piece) noexcept { std::free(piece); }
void operator delete[](void* piece) noexcept { std::free(piece); }
void operator delete(void* piece, size_t) noexcept { std::free(piece); }
void operator delete[](void* piece, size_t) noexcept { std::free(piece); }
void operator delete(void* piece, std::align_val_t) noexcept { std::free(piece); }
void operator delete(void* piece, size_t, std::align_val_t) noexcept { std::free(piece); }

namespace cairn::math {
namespace {

TEST(Count, CountsTheHeapsUseByThisProgram) {
  allocations = 0;
  counting = true;
  auto* numbers = new std::vector<int>(100);
  counting = false;
  EXPECT_EQ(allocations, 2);
  delete numbers;
}

// Trains and predicts over `batch`, then counts over `then`, which may be the same.
void expect_nothing_from_the_heap(const ModelConfig& config, const ModelShape& shape,
                                  ExampleBatch& batch, ExampleBatch& then,
                                  Precision precision = Precision::kF32) {
  const auto model = make_model(config, shape, 1, "cpu", precision).value();
  const auto adam = make_dense_optimizer({}, model->values().size()).value();
  ModelInput input = batch.input();
  std::vector<float> predictions(batch.samples * 2);
  std::vector<float> encodings(batch.samples * model->encoding_dim());
  std::vector<std::vector<float>> table_grads = batch.tables;
  const std::vector<std::span<float>> grads(table_grads.begin(), table_grads.end());
  std::vector<double> losses(2);
  const auto step = [&](uint64_t number) {
    model->train_step(input, {predictions, grads, losses});
    adam->step(model->values(), model->gradients(), number);
    model->predict(input, predictions);
    model->encode(input, encodings);
  };
  step(1);
  step(2);  // in which the arena makes one block of those of the first
  input = then.input();
  allocations = 0;
  counting = true;
  for (uint64_t number = 3; number < 8; ++number) step(number);
  counting = false;
  EXPECT_EQ(allocations, 0);

  EXPECT_GT(model->peak_step_bytes(), 500u * 13 * sizeof(float));
}

TEST(TrainStep, TakesNothingFromTheHeapAfterWarmUp) {
  ModelConfig config = example_config();
  config.head = Head::kMmoe;
  const ModelShape shape = example_shape();
  ExampleBatch batch(shape, 2, 500, test_seed());
  expect_nothing_from_the_heap(config, shape, batch, batch);
}

TEST(TrainStep, RoundsFactorsWithoutTheHeap) {
  const ModelShape shape = example_shape();
  ExampleBatch batch(shape, 2, 500, test_seed());
  expect_nothing_from_the_heap(example_config(), shape, batch, batch, Precision::kBf16);
}

TEST(TrainStep, SequencesOfOtherLengthsTakeNothingEither) {
  ModelShape shape = example_shape();
  shape.bags[0] = {0, Pooling::kAttention, 2};
  ExampleBatch first(shape, 2, 500, test_seed());
  // One id per row, and a second one in some.
  const auto lengthen = [](ExampleBatch batch, size_t rows) {
    for (size_t r = 0; r < batch.samples; ++r) batch.bags[0][r].assign(r < rows ? 2 : 1, 3);
    return batch;
  };
  ExampleBatch longer = lengthen(first, 120), shorter = lengthen(first, 97);
  expect_nothing_from_the_heap(example_config(), shape, longer, shorter);
}

}  // namespace
}  // namespace cairn::math
