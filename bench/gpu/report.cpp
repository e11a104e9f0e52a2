#include "bench/gpu/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace cairn::gpu {
namespace {

// For a value that may be missing.
std::string milliseconds(double seconds) {
  return seconds > 0 ? fmt::format("{:.3f}", 1e3 * seconds) : "-";
}
std::string ratio(double a, double b) {
  return a > 0 && b > 0 ? fmt::format("{:.2f}", a / b) : "-";
}

PyTorchTime time_of(const std::map<std::string, PyTorchTime>& times, const std::string& name) {
  const auto found = times.find(name);
  return found == times.end() ? PyTorchTime() : found->second;
}

bool same(const step::Product& a, const step::Product& b) {
  return a.m == b.m && a.n == b.n && a.k == b.k && a.a_transposed == b.a_transposed &&
         a.b_transposed == b.b_transposed;
}

std::string text(const step::Product& p) {
  return fmt::format("[{}, {}]{} [{}, {}]{}", p.m, p.k,
                     p.a_transposed ? " (stored transposed)" : "", p.k, p.n,
                     p.b_transposed ? " (stored transposed)" : "");
}

void print_line(const std::string& name, double ours, double floor, double eager, double compiled) {
  fmt::print("| {} | {} | {} | {} | {} | {} | {} | {} |\n", name, milliseconds(ours),
             milliseconds(eager), milliseconds(compiled), ratio(eager, ours), ratio(compiled, ours),
             milliseconds(floor), ratio(floor, ours));
}

}  // namespace

void print_products(std::span<const ProductRates::Rate> rates) {
  if (rates.empty()) return;
  fmt::print("\n| product | bf16, TFLOP/s | TF32, TFLOP/s |\n| --- | --- | --- |\n");
  std::vector<step::Product> done;
  for (const ProductRates::Rate& first : rates) {
    const auto is_it = [&](const step::Product& p) { return same(p, first.product); };
    if (std::ranges::any_of(done, is_it)) continue;
    done.push_back(first.product);
    const auto rate = [&](Precision precision) -> std::string {
      for (const ProductRates::Rate& r : rates)
        if (r.precision == precision && is_it(r.product))
          return fmt::format("{:.1f}", r.flops() / 1e12);
      return "-";
    };
    fmt::print("| {} | {} | {} |\n", text(first.product), rate(Precision::kBf16),
               rate(Precision::kTf32));
  }
}

void print_cases(std::span<const Measured> cases, const PyTorch& pytorch) {
  fmt::print("\nMilliseconds; PyTorch {}.\n\n",
             pytorch.version.empty() ? "did not run" : pytorch.version);
  fmt::print("| case | ours | eager | compiled | times eager | times compiled | floor | of it |\n");
  fmt::print("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
  for (const Measured& c : cases) {
    const PyTorchTime eager = time_of(pytorch.eager, c.name);
    const PyTorchTime compiled = time_of(pytorch.compiled, c.name);
    print_line(c.name, c.device, c.floor, eager.device, compiled.device);
    if (c.wall > 0) print_line(c.name + ", wall", c.wall, 0, eager.wall, compiled.wall);
  }
}

}  // namespace cairn::gpu
