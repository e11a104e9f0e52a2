// cuBLASLt's products. A row-major matrix is the transpose of a column-major one, so c = a b is
// asked for as c^T = b^T a^T.

#include <algorithm>
#include <map>
#include <string>

#include "worker/math/device/cublas_lt.h"
#include "worker/math/ops/cuda/matmul.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

constexpr size_t kWorkspace = size_t{32} << 20;  // as cuBLAS recommends for Hopper

thread_local bool tf32 = false;

void must(cublasStatus_t status, const char* what) {
  check(status == CUBLAS_STATUS_SUCCESS,
        status == CUBLAS_STATUS_SUCCESS
            ? ""
            : std::string("cuBLASLt: ") + what + ": " + lt().GetStatusString(status));
}

// Products differ in speed, and in which are possible, by how their operands are aligned.
uint32_t alignment_of(const void* data, size_t stride_bytes) {
  const uint64_t bits = reinterpret_cast<uint64_t>(data) | stride_bytes | 256;
  return static_cast<uint32_t>(bits & -bits);
}

struct Shape {
  size_t m, n, k, a_stride, b_stride, c_stride;
  uint32_t a_alignment, b_alignment, c_alignment, bias_alignment;
  bool a_transposed, b_transposed, adds, bias, relu, rounded, tf32;

  auto operator<=>(const Shape&) const = default;
  std::string text() const {
    return std::to_string(m) + " x " + std::to_string(k) + " x " + std::to_string(n) +
           ", strides " + std::to_string(a_stride) + " " + std::to_string(b_stride) + " " +
           std::to_string(c_stride) + ", aligned to " + std::to_string(a_alignment) + " " +
           std::to_string(b_alignment) + " " + std::to_string(c_alignment) +
           (rounded ? ", bf16"
            : tf32  ? ", tf32"
                    : ", f32") +
           (bias ? ", bias" : "") + (relu ? ", relu" : "") + (adds ? ", adds" : "");
  }
};

// One product of one shape, ready to run.
class Product {
 public:
  Product(cublasLtHandle_t handle, const Shape& s) {
    const cublasComputeType_t compute =
        s.tf32 && !s.rounded ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    must(lt().MatmulDescCreate(&desc_, compute, CUDA_R_32F), "describe a product");
    const auto operation = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    set(CUBLASLT_MATMUL_DESC_TRANSA, operation(s.b_transposed));
    set(CUBLASLT_MATMUL_DESC_TRANSB, operation(s.a_transposed));
    const cudaDataType_t type = s.rounded ? CUDA_R_16BF : CUDA_R_32F;
    layout(&first_, type, s.b_transposed ? s.k : s.n, s.b_transposed ? s.n : s.k, s.b_stride);
    layout(&second_, type, s.a_transposed ? s.m : s.k, s.a_transposed ? s.k : s.m, s.a_stride);
    layout(&result_, CUDA_R_32F, s.n, s.m, s.c_stride);
    // Small and oddly aligned shapes have fewer products: some cannot be split, some cannot end in
    // a bias.
    finishes_ = s.bias;
    if (choose(handle, s, /*strict=*/false) || choose(handle, s, /*strict=*/true)) return;
    finishes_ = false;
    check(choose(handle, s, /*strict=*/false) || choose(handle, s, /*strict=*/true),
          "cuBLASLt has no product " + s.text());
  }
  Product(const Product&) = delete;
  Product& operator=(const Product&) = delete;
  ~Product() {
    for (cublasLtMatrixLayout_t l : {first_, second_, result_}) (void)lt().MatrixLayoutDestroy(l);
    (void)lt().MatmulDescDestroy(desc_);
  }

  // Whether it adds the bias and applies the activation itself.
  bool finishes() const { return finishes_; }

  void run(cublasLtHandle_t handle, const void* a, const void* b, const float* bias, bool adds,
           float* c, void* workspace, cudaStream_t stream) {
    if (finishes_) set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    const float one = 1.0f, beta = adds ? 1.0f : 0.0f;
    must(lt().Matmul(handle, desc_, &one, b, first_, a, second_, &beta, c, result_, c, result_,
                     &algorithm_, workspace, kWorkspace, stream),
         "run a product");
  }

 private:
  template <typename T>
  void set(cublasLtMatmulDescAttributes_t attribute, const T& value) {
    must(lt().MatmulDescSetAttribute(desc_, attribute, &value, sizeof value), "describe a product");
  }
  static void layout(cublasLtMatrixLayout_t* to, cudaDataType_t type, size_t rows, size_t cols,
                     size_t stride) {
    must(lt().MatrixLayoutCreate(to, type, rows, cols, static_cast<int64_t>(stride)),
         "describe a matrix");
  }

  // False where there is none. `strict`: one that is not split and needs no alignment.
  bool choose(cublasLtHandle_t handle, const Shape& s, bool strict) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, !finishes_ ? CUBLASLT_EPILOGUE_DEFAULT
                                       : s.relu   ? CUBLASLT_EPILOGUE_RELU_BIAS
                                                  : CUBLASLT_EPILOGUE_BIAS);
    cublasLtMatmulPreference_t preference = nullptr;
    must(lt().MatmulPreferenceCreate(&preference), "prefer a product");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      must(lt().MatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value),
           "prefer a product");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspace);
    // A split product's parts are added in order, never in place as they come.
    const uint32_t schemes =
        strict ? CUBLASLT_REDUCTION_SCHEME_NONE : CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, schemes);
    const uint32_t least = s.rounded ? sizeof(Bfloat16) : sizeof(float);
    const uint32_t of_result = std::min(s.c_alignment, finishes_ ? s.bias_alignment : 256u);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, strict ? least : s.b_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, strict ? least : s.a_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, strict ? 4u : s.c_alignment);
    prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, strict ? 4u : of_result);
    cublasLtMatmulHeuristicResult_t found = {};
    int count = 0;
    const cublasStatus_t status = lt().MatmulAlgoGetHeuristic(
        handle, desc_, first_, second_, result_, result_, preference, 1, &found, &count);
    (void)lt().MatmulPreferenceDestroy(preference);
    if (status != CUBLAS_STATUS_SUCCESS || count == 0) return false;
    algorithm_ = found.algo;
    return true;
  }

  cublasLtMatmulDesc_t desc_ = nullptr;
  cublasLtMatrixLayout_t first_ = nullptr, second_ = nullptr, result_ = nullptr;
  cublasLtMatmulAlgo_t algorithm_ = {};
  bool finishes_ = false;
};

// The products that one thread's device has met.
class Products {
 public:
  static Products& of_this_thread() {
    thread_local Products products;
    return products;
  }

  void run(const Shape& shape, const void* a, const void* b, const float* bias, float* c) {
    CudaDevice& on = device();
    if (on.number() != device_number_) {
      products_.clear();
      device_number_ = on.number();
    }
    auto found = products_.find(shape);
    if (found == products_.end()) {
      if (products_.size() == kMost) products_.clear();
      found = products_.try_emplace(shape, on.cublas(), shape).first;
    }
    found->second.run(on.cublas(), a, b, bias, shape.adds, c, on.workspace(kWorkspace),
                      on.cuda_stream());
    on.launched();
    if (bias != nullptr && !found->second.finishes()) finish(shape, bias, c);
  }

  // Bias and activation of a product that ends in neither.
  static void finish(const Shape& s, const float* bias, float* c) {
    const size_t stride = s.c_stride;
    const bool relu = s.relu;
    for_each_element(s.m, s.n, [=] CAIRN_BODY(size_t row, size_t column) {
      float& at = c[row * stride + column];
      const float value = at + bias[column];
      at = relu && !(value > 0.0f) ? 0.0f : value;
    });
  }

 private:
  static constexpr size_t kMost = 1024;

  uint64_t device_number_ = 0;
  std::map<Shape, Product> products_;
};

}  // namespace

void product(Factor a, Factor b, ConstMatrix bias, Activation activation, const Gradient& c) {
  const size_t m = c.into.rows, n = c.into.cols, k = a.cols();
  check(a.rows() == m && b.cols() == n && b.rows() == k, "matmul: shapes differ");
  check(a.dtype == b.dtype, "matmul: one factor is rounded, the other not");
  check(bias.empty() || (bias.rows == 1 && bias.cols == n), "matmul: bias is not [1, columns]");
  check(activation == Activation::kNone || !bias.empty(), "matmul: relu without a bias");
  check(k > 0, "matmul: nothing is summed");
  if (m == 0 || n == 0) return;
  const size_t bytes = size_of(a.dtype);
  // The stride of a single stored row means nothing: two strides would make two products.
  const size_t a_stride = a.stored_rows == 1 ? a.stored_cols : a.row_stride;
  const size_t b_stride = b.stored_rows == 1 ? b.stored_cols : b.row_stride;
  const size_t c_stride = m == 1 ? n : c.into.row_stride;
  const Shape shape = {.m = m,
                       .n = n,
                       .k = k,
                       .a_stride = a_stride,
                       .b_stride = b_stride,
                       .c_stride = c_stride,
                       .a_alignment = alignment_of(a.data, a_stride * bytes),
                       .b_alignment = alignment_of(b.data, b_stride * bytes),
                       .c_alignment = alignment_of(c.into.data, c_stride * sizeof(float)),
                       .bias_alignment = alignment_of(bias.data, 0),
                       .a_transposed = a.transposed,
                       .b_transposed = b.transposed,
                       .adds = c.adds(),
                       .bias = !bias.empty(),
                       .relu = activation == Activation::kRelu,
                       .rounded = a.dtype == DType::kBf16,
                       .tf32 = tf32};
  Products::of_this_thread().run(shape, a.data, b.data, bias.data, c.into.data);
}

Tf32Scope::Tf32Scope() : before_(tf32) { tf32 = true; }
Tf32Scope::~Tf32Scope() { tf32 = before_; }

}  // namespace cairn::math::CAIRN_KERNELS
