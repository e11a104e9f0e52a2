// The mathematics on a GPU, against PyTorch of that machine and against what the GPU can do at
// most; docs/benchmarks.md shows the figures. Times are medians of CUDA events.
//   --pytorch PYTHON  runs bench/gpu/torch_gpu.py with this interpreter too
//   --script FILE     that script, where this is not run from the root of the project
//   --only CASE       step_8192_bf16, ...
//   --seconds N       that all may take; what PyTorch has not measured by then is left out
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/gate.h"
#include "bench/gpu/cross_case.h"
#include "bench/gpu/embedding_case.h"
#include "bench/gpu/event_clock.h"
#include "bench/gpu/product_rates.h"
#include "bench/gpu/pytorch.h"
#include "bench/gpu/report.h"
#include "bench/gpu/step_case.h"
#include "bench/gpu/timing.h"
#include "worker/math/device/cuda_device.h"

namespace cairn::gpu {
namespace {

enum class Kind { kStep, kCross, kEmbedding };
struct Case {
  const char* name;  // as torch_gpu.py takes it apart
  Kind kind;
  size_t batch;
  Precision precision;
  // Goals; 0: none. PyTorch's time over ours, and the floor over ours.
  double of_pytorch, of_floor;

  std::string gate(const char* figure) const { return fmt::format("gpu_{}_{}", name, figure); }
};
constexpr Case kCases[] = {
    {"step_8192_bf16", Kind::kStep, 8192, Precision::kBf16, 1.3, 0.6},
    {"step_8192_tf32", Kind::kStep, 8192, Precision::kTf32, 1.3, 0.6},
    {"step_65536_bf16", Kind::kStep, 65536, Precision::kBf16, 1.3, 0.6},
    {"step_65536_tf32", Kind::kStep, 65536, Precision::kTf32, 1.3, 0.6},
    {"cross_8192_bf16", Kind::kCross, 8192, Precision::kBf16, 1.5, 0},
    {"cross_8192_tf32", Kind::kCross, 8192, Precision::kTf32, 1.5, 0},
    {"cross_65536_bf16", Kind::kCross, 65536, Precision::kBf16, 1.5, 0},
    {"cross_65536_tf32", Kind::kCross, 65536, Precision::kTf32, 1.5, 0},
    {"embedding_65536", Kind::kEmbedding, 65536, Precision::kF32, 1, 0.8},
};

struct Options {
  std::string python, script = "bench/gpu/torch_gpu.py", only;
  double seconds = 340;
};

std::vector<Case> chosen(const std::string& only) {
  std::vector<Case> cases;
  for (const Case& c : kCases)
    if (only.empty() || only == c.name) cases.push_back(c);
  return cases;
}

// Things that cases share.
class Session {
 public:
  explicit Session(const Machine& machine)
      : machine_(machine), copy_rate_(copy_rate(machine.device)) {
    fmt::print("{}: copies move {:.0f} GB/s, read and written\n", name_of_gpu(), copy_rate_ / 1e9);
  }

  Measured measure(const Case& c) {
    fmt::print("- {}: ", c.name);
    std::fflush(stdout);
    const Measured measured = c.kind == Kind::kStep    ? step(c)
                              : c.kind == Kind::kCross ? cross(c)
                                                       : embedding(c);
    fmt::print("{:.3f} ms on the device\n", 1e3 * measured.device);
    return measured;
  }

  void print_rates() const {
    if (rates_) print_products(rates_->rates());
  }

 private:
  Measured step(const Case& c) {
    const StepTime time = measure_step(machine_, yardstick_, c.batch, c.precision);
    if (!rates_) rates_.emplace(machine_, step::products_of(yardstick_, 65536));
    const Floor floor = floor_of(yardstick_, time.sizes, c.precision, *rates_, copy_rate_);
    fmt::print(
        "{:.2f} M samples/s on the device, {:.2f} M on the wall; the floor is {:.3f} ms of "
        "products and {:.3f} ms of passes; ",
        1e-6 * static_cast<double>(c.batch) / time.device,
        1e-6 * static_cast<double>(c.batch) / time.wall, 1e3 * floor.products, 1e3 * floor.passes);
    return {c.name, time.device, time.wall, floor.seconds()};
  }

  Measured cross(const Case& c) {
    size_t dim = yardstick_.shape.dense_columns;
    for (const math::ModelShape::BagFeature& bag : yardstick_.shape.bags)
      dim += yardstick_.shape.table_dims[bag.table];
    return {c.name, measure_cross(machine_, dim, c.batch, c.precision)};
  }

  Measured embedding(const Case& c) {
    const EmbeddingTime time = measure_embedding(machine_, c.batch);
    fmt::print(
        "{:.0f} GB/s of {:.2f} GB that memory must move, {:.0f} GB/s with a row for every "
        "id; ",
        1e-9 * time.bytes / time.seconds, 1e-9 * time.bytes,
        1e-9 * time.bytes_by_id / time.seconds);
    return {c.name, time.seconds, 0, time.bytes / copy_rate_};
  }

  const Machine& machine_;
  const double copy_rate_;
  const step::StepModel yardstick_ = step::yardstick();
  std::optional<ProductRates> rates_;  // of steps; it takes a gigabyte
};

std::vector<Measured> measure_all(const Machine& machine, std::span<const Case> cases) {
  Session session(machine);
  std::vector<Measured> all;
  for (const Case& c : cases) all.push_back(session.measure(c));
  session.print_rates();
  return all;
}

// Against the faster way to run PyTorch. Eager alone would flatter us where it can be compiled.
void compare_pytorch(const Case& c, const Measured& ours, const PyTorch& pytorch) {
  const auto eager = pytorch.eager.find(c.name), compiled = pytorch.compiled.find(c.name);
  double fastest = 0;
  if (compiled != pytorch.compiled.end()) fastest = compiled->second.device;
  if (eager != pytorch.eager.end() && (fastest > 0 || c.kind == Kind::kEmbedding))
    fastest = fastest > 0 ? std::min(fastest, eager->second.device) : eager->second.device;
  if (fastest > 0) return gate(c.gate("of_pytorch"), fastest / ours.device, ">=", c.of_pytorch);
  gate_skipped(c.gate("of_pytorch"), ">=", c.of_pytorch,
               pytorch.version.empty() ? "PyTorch did not run" : "PyTorch did not compile it");
}

void skip(const Case& c, const std::string& why) {
  gate_skipped(c.gate("of_pytorch"), ">=", c.of_pytorch, why);
  if (c.of_floor > 0) gate_skipped(c.gate("of_floor"), ">=", c.of_floor, why);
}

void skip_all(const std::string& why) {
  for (const Case& c : kCases) skip(c, why);
}

// Goals come last, in the order of the table.
void validate(const std::string& only, std::span<const Measured> measured, const PyTorch& pytorch) {
  for (const Case& c : kCases) {
    const auto found = std::ranges::find(measured, c.name, &Measured::name);
    if (found == measured.end()) {
      skip(c, "not in case " + only);
      continue;
    }
    compare_pytorch(c, *found, pytorch);
    if (c.of_floor > 0) gate(c.gate("of_floor"), found->floor / found->device, ">=", c.of_floor);
  }
}

int run(const Options& options) {
  const double start = wall_seconds();
  const Result<math::CudaDevice*> device = math::CudaDevice::open(0);
  if (!device.ok()) {
    fmt::print(stderr, "{}\n", device.error().message);
    skip_all("no CUDA device found");
    return 0;
  }
  const Machine machine = {*device.value(), *math::cuda_ops().value(),
                           *math::cuda_ops(true).value()};
  const std::vector<Case> cases = chosen(options.only);
  const std::vector<Measured> measured = measure_all(machine, cases);

  PyTorch pytorch;
  if (!options.python.empty()) {
    std::vector<std::string> names;
    for (const Case& c : cases) names.push_back(c.name);
    const double left = options.seconds - (wall_seconds() - start);
    pytorch = run_pytorch(options.python, options.script, left, names);
  }
  print_cases(measured, pytorch);
  fmt::print("\n{:.0f} s in all\n", wall_seconds() - start);
  validate(options.only, measured, pytorch);
  return 0;
}

}  // namespace
}  // namespace cairn::gpu

int main(int argc, char** argv) {
  using namespace cairn::gpu;
  Options options;
  std::string why_not;
  bool of_others = false;
  std::vector<std::string> names;
  for (const Case& c : kCases) names.push_back(c.name);
  CLI::App app("The mathematics on a GPU, against PyTorch and what the GPU can do at most");
  app.add_option("--pytorch", options.python, "a Python interpreter that has PyTorch");
  app.add_option("--script", options.script, "torch_gpu.py, from the project's root by default");
  app.add_option("--only", options.only, "one case")->check(CLI::IsMember(names));
  app.add_option("--seconds", options.seconds, "that all may take")->check(CLI::PositiveNumber);
  app.add_option("--skip", why_not, "measure nothing, print this reason a goal");
  app.add_flag("--long", of_others, "of other benchmarks");
  CLI11_PARSE(app, argc, argv);
  if (why_not.empty()) return run(options);
  skip_all(why_not);
}
