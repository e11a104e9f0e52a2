// The functions of cuBLASLt that make products. Only nvcc's sources include this.
#pragma once

#include <cublasLt.h>

#include "common/check.h"
#include "common/result.h"
#include "worker/math/device/lazy_library.h"

namespace cairn::math {

struct CublasLt {
  decltype(&cublasLtCreate) Create;
  decltype(&cublasLtDestroy) Destroy;
  decltype(&cublasLtGetStatusString) GetStatusString;
  decltype(&cublasLtMatmulDescCreate) MatmulDescCreate;
  decltype(&cublasLtMatmulDescDestroy) MatmulDescDestroy;
  decltype(&cublasLtMatmulDescSetAttribute) MatmulDescSetAttribute;
  decltype(&cublasLtMatrixLayoutCreate) MatrixLayoutCreate;
  decltype(&cublasLtMatrixLayoutDestroy) MatrixLayoutDestroy;
  decltype(&cublasLtMatmulPreferenceCreate) MatmulPreferenceCreate;
  decltype(&cublasLtMatmulPreferenceDestroy) MatmulPreferenceDestroy;
  decltype(&cublasLtMatmulPreferenceSetAttribute) MatmulPreferenceSetAttribute;
  decltype(&cublasLtMatmulAlgoGetHeuristic) MatmulAlgoGetHeuristic;
  decltype(&cublasLtMatmul) Matmul;
};

// Loads it the first time. Errors: kUnavailable where it is not on this machine. Thread safety: any
// thread.
inline Result<const CublasLt*> load_cublas_lt() {
  static CublasLt lt = {};
  static const std::string trouble = [] {
    LazyLibrary library({CAIRN_CUBLAS_LT});
    library.find("cublasLtCreate", lt.Create);
    library.find("cublasLtDestroy", lt.Destroy);
    library.find("cublasLtGetStatusString", lt.GetStatusString);
    library.find("cublasLtMatmulDescCreate", lt.MatmulDescCreate);
    library.find("cublasLtMatmulDescDestroy", lt.MatmulDescDestroy);
    library.find("cublasLtMatmulDescSetAttribute", lt.MatmulDescSetAttribute);
    library.find("cublasLtMatrixLayoutCreate", lt.MatrixLayoutCreate);
    library.find("cublasLtMatrixLayoutDestroy", lt.MatrixLayoutDestroy);
    library.find("cublasLtMatmulPreferenceCreate", lt.MatmulPreferenceCreate);
    library.find("cublasLtMatmulPreferenceDestroy", lt.MatmulPreferenceDestroy);
    library.find("cublasLtMatmulPreferenceSetAttribute", lt.MatmulPreferenceSetAttribute);
    library.find("cublasLtMatmulAlgoGetHeuristic", lt.MatmulAlgoGetHeuristic);
    library.find("cublasLtMatmul", lt.Matmul);
    return library.trouble();
  }();
  if (!trouble.empty()) return Error{ErrorCode::kUnavailable, "cuBLASLt: " + trouble};
  return &lt;
}

// To be called once a device has been opened, which loads it.
inline const CublasLt& lt() { return *load_cublas_lt().value(); }

}  // namespace cairn::math
