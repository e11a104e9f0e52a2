#include "bench/step/product_clock.h"

#include <dlfcn.h>
#include <dnnl.h>

#include "bench/step/clock.h"

namespace cairn::step {
namespace {

thread_local double seconds = 0.0;

template <typename Function, typename... Arguments>
dnnl_status_t timed(Function* function, Arguments... arguments) {
  const double start = thread_seconds();
  const dnnl_status_t status = function(arguments...);
  seconds += thread_seconds() - start;
  return status;
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

double seconds_in_products() { return seconds; }

}  // namespace cairn::step

extern "C" {

dnnl_status_t dnnl_primitive_execute(const_dnnl_primitive_t primitive, dnnl_stream_t stream,
                                     int count, const dnnl_exec_arg_t* arguments) {
  static auto* const execute = cairn::step::next<decltype(dnnl_primitive_execute)>(__func__);
  return cairn::step::timed(execute, primitive, stream, count, arguments);
}

dnnl_status_t dnnl_sgemm(char transa, char transb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k,
                         float alpha, const float* a, dnnl_dim_t lda, const float* b,
                         dnnl_dim_t ldb, float beta, float* c, dnnl_dim_t ldc) {
  static auto* const sgemm = cairn::step::next<decltype(dnnl_sgemm)>(__func__);
  return cairn::step::timed(sgemm, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
}
