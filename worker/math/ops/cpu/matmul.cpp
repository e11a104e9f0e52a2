// Matrix products by oneDNN. A matmul primitive, made once for each shape a thread has met, was
// measured faster than dnnl_sgemm on the shapes of layers (2.6.3, AVX-512, one thread: 252 to 269
// GFLOP/s against 224 to 266 for batch 2048, equal for small ones), and adds bias and ReLU without
// a pass of their own. Only with a single output column sgemm is faster, four times.
#include <dnnl.h>
#include <omp.h>

#include <array>
#include <cstdlib>
#include <dnnl.hpp>
#include <memory>
#include <unordered_map>
#include <vector>

#include "worker/math/ops/cpu/cpu.h"

namespace cairn::math {
namespace {

thread_local int threads_of_this_thread = 1;

}  // namespace

void set_math_threads(int threads) {
  check(threads >= 1, "math threads must be at least 1");
  threads_of_this_thread = threads;
}

int math_threads() { return threads_of_this_thread; }

namespace cpu {
namespace {

using dnnl::memory;

struct Shape {
  size_t m, n, k;
  size_t a_stride, b_stride, c_stride;
  bool a_transposed, b_transposed, adds, bias, relu, rounded;
  int threads;
  bool operator==(const Shape&) const = default;
};

struct HashShape {
  size_t operator()(const Shape& s) const {
    size_t hash = 0;
    const auto mix = [&hash](size_t v) {
      hash = (hash ^ v) * 0x9e3779b97f4a7c15ull;
      hash ^= hash >> 29;
    };
    for (const size_t v : {s.m, s.n, s.k, s.a_stride, s.b_stride, s.c_stride}) mix(v);
    mix(size_t{s.a_transposed} | size_t{s.b_transposed} << 1 | size_t{s.adds} << 2 |
        size_t{s.bias} << 3 | size_t{s.relu} << 4 | size_t{s.rounded} << 5 |
        size_t(s.threads) << 6);
    return hash;
  }
};

const dnnl::engine& engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

memory::desc describe(size_t rows, size_t cols, size_t stride, bool transposed,
                      memory::data_type type = memory::data_type::f32) {
  const auto step = static_cast<memory::dim>(stride);
  return memory::desc({static_cast<memory::dim>(rows), static_cast<memory::dim>(cols)}, type,
                      transposed ? memory::dims{1, step} : memory::dims{step, 1});
}

// One product of one shape, ready to run. Its C arguments stand ready too: the C++ interface would
// copy a map at every call.
class Product {
 public:
  explicit Product(const Shape& s) {
    dnnl::post_ops after;
    if (s.adds) after.append_sum(1.0f);
    if (s.relu) after.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

    const auto type = s.rounded ? memory::data_type::bf16 : memory::data_type::f32;
    const memory::desc a = describe(s.m, s.k, s.a_stride, s.a_transposed, type);
    const memory::desc b = describe(s.k, s.n, s.b_stride, s.b_transposed, type);
    const memory::desc c = describe(s.m, s.n, s.c_stride, false);
    const memory::desc bias = describe(1, s.n, s.n, false);
    const dnnl::matmul::desc desc =
        s.bias ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
    const dnnl::matmul::primitive_desc chosen(desc, attributes, engine());
    matmul_ = dnnl::matmul(chosen);

    scratch_bytes_ = chosen.scratchpad_desc().get_size();
    memories_ = {memory(a, engine(), DNNL_MEMORY_NONE), memory(b, engine(), DNNL_MEMORY_NONE),
                 memory(c, engine(), DNNL_MEMORY_NONE),
                 memory(chosen.scratchpad_desc(), engine(), DNNL_MEMORY_NONE),
                 memory(bias, engine(), DNNL_MEMORY_NONE)};
    constexpr std::array kRoles = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST,
                                   DNNL_ARG_SCRATCHPAD, DNNL_ARG_BIAS};
    for (size_t i = 0; i < kRoles.size(); ++i) arguments_[i] = {kRoles[i], memories_[i].get()};
    arguments_used_ = s.bias ? 5 : 4;
  }

  size_t scratch_bytes() const { return scratch_bytes_; }

  void run(const dnnl::stream& stream, const void* a, const void* b, float* c, const float* bias,
           void* scratch) const {
    const std::array<const void*, 5> data = {a, b, c, scratch, bias};
    for (int i = 0; i < arguments_used_; ++i)
      dnnl_memory_set_data_handle(arguments_[i].memory, const_cast<void*>(data[i]));
    check(dnnl_primitive_execute(matmul_.get(), stream.get(), arguments_used_, arguments_.data()) ==
              dnnl_success,
          "oneDNN could not run a matrix product");
  }

 private:
  dnnl::matmul matmul_;
  std::array<memory, 5> memories_;
  std::array<dnnl_exec_arg_t, 5> arguments_;
  int arguments_used_ = 0;
  size_t scratch_bytes_ = 0;
};

// The products that one thread has met. Batches may be of many sizes, so it is emptied when it is
// full: what is made again computes the same bits.
class Products {
 public:
  static Products& of_this_thread() {
    thread_local Products products;
    return products;
  }

  void run(const Shape& shape, const void* a, const void* b, float* c, const float* bias) {
    const Product& product = find_or_make(shape);
    if (scratch_.size() < product.scratch_bytes() + kAlignment)
      scratch_.resize(product.scratch_bytes() + kAlignment);
    void* scratch = scratch_.data();
    size_t room = scratch_.size();
    scratch = std::align(kAlignment, product.scratch_bytes(), scratch, room);
    product.run(stream_, a, b, c, bias, scratch);
  }

 private:
  static constexpr size_t kAlignment = 64, kMost = 1024;

  const Product& find_or_make(const Shape& shape) {
    if (const auto found = products_.find(shape); found != products_.end()) return found->second;
    if (products_.size() == kMost) products_.clear();
    try {
      return products_.try_emplace(shape, shape).first->second;
    } catch (const dnnl::error& error) {
      check(false, error.what());
      std::abort();
    }
  }

  std::unordered_map<Shape, Product, HashShape> products_;
  dnnl::stream stream_{engine()};
  std::vector<std::byte> scratch_;
};

// Bias and activation for products that sgemm computed.
void finish(ConstMatrix bias, Activation activation, Matrix c) {
  for (size_t r = 0; r < c.rows; ++r) {
    for (size_t i = 0; i < c.cols; ++i) {
      const float v = c.row(r)[i] + (bias.empty() ? 0.0f : bias.data[i]);
      c.row(r)[i] = activation == Activation::kRelu && v < 0.0f ? 0.0f : v;
    }
  }
}

void product(Factor a, Factor b, ConstMatrix bias, Activation activation, const Gradient& c) {
  const size_t m = c.into.rows, n = c.into.cols, k = a.cols();
  check(a.rows() == m && b.cols() == n && b.rows() == k, "matmul: shapes differ");
  check(a.dtype == b.dtype, "matmul: one factor is rounded, the other not");
  check(bias.empty() || (bias.rows == 1 && bias.cols == n), "matmul: bias is not [1, columns]");
  if (m == 0 || n == 0) return;
  // OpenMP's count belongs to the calling thread, and starts at the number of cores.
  if (omp_get_max_threads() != math_threads()) omp_set_num_threads(math_threads());

  const Shape shape = {
      .m = m,
      .n = n,
      .k = k,
      // The stride of a single stored row means nothing: two strides would make two products.
      .a_stride = a.stored_rows == 1 ? a.stored_cols : a.row_stride,
      .b_stride = b.stored_rows == 1 ? b.stored_cols : b.row_stride,
      .c_stride = m == 1 ? n : c.into.row_stride,
      .a_transposed = a.transposed,
      .b_transposed = b.transposed,
      .adds = c.adds(),
      .bias = !bias.empty(),
      .relu = activation == Activation::kRelu,
      .rounded = a.dtype == DType::kBf16,
      .threads = math_threads()};
  if ((n > 1 || shape.rounded) && k > 0) {
    Products::of_this_thread().run(shape, a.data, b.data, c.into.data, bias.data);
    return;
  }
  if (k == 0) {
    if (!c.adds()) zero(c.into);
  } else {
    const auto dim = [](size_t v) { return static_cast<dnnl_dim_t>(v); };
    check(dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', dim(m), dim(n), dim(k),
                     1.0f, static_cast<const float*>(a.data), dim(shape.a_stride),
                     static_cast<const float*>(b.data), dim(shape.b_stride), c.adds() ? 1.0f : 0.0f,
                     c.into.data, dim(shape.c_stride)) == dnnl_success,
          "oneDNN could not run a matrix product");
  }
  if (!bias.empty() || activation != Activation::kNone) finish(bias, activation, c.into);
}

}  // namespace

bool multiplies_bf16() { return dnnl::get_effective_cpu_isa() >= dnnl::cpu_isa::avx512_core_bf16; }

bool multiplies_tf32() { return false; }

void matmul(Factor a, Factor b, const Gradient& c) { product(a, b, {}, Activation::kNone, c); }

void matmul_bias(Factor a, Factor b, ConstMatrix bias, Activation activation, Matrix c) {
  product(a, b, bias, activation, {c, Write::kReplace});
}

}  // namespace cpu
}  // namespace cairn::math
