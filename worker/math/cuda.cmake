# The operations on GPUs. Each is one file, which nvcc compiles here and the tests' compiler in
# tests/worker/kernels.cmake, for the host.
set(CAIRN_KERNEL_SOURCES
  activation.cu
  attention.cu
  copy.cu
  cross.cu
  dropout.cu
  embedding.cu
  gates.cu
  interaction.cu
  linear.cu
  loss.cu
  matmul.cu
  normalization.cu
  ops_table.cu
  optimizer.cu)
list(TRANSFORM CAIRN_KERNEL_SOURCES PREPEND ${CMAKE_CURRENT_LIST_DIR}/ops/cuda/)
set(CAIRN_KERNEL_SOURCES ${CAIRN_KERNEL_SOURCES} CACHE INTERNAL "operations on GPUs, which tests compile for the host")

if(CAIRN_HAVE_CUDA)
  add_library(cairn_cuda STATIC
    ${CAIRN_KERNEL_SOURCES}
    device/cuda_device.cu
    ops/cuda/cuda_ops.cu
    ops/cuda/matmul_cublas.cu
    ops/cuda/sort_cub.cu)
  target_compile_options(cairn_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda --expt-relaxed-constexpr -fmad=false -diag-suppress=554>)
  # cuBLASLt is loaded by a job that wants it: worker/math/device/lazy_library.h.
  set_source_files_properties(device/cuda_device.cu ops/cuda/matmul_cublas.cu PROPERTIES
    COMPILE_DEFINITIONS CAIRN_CUBLAS_LT="libcublasLt.so.${CUDAToolkit_VERSION_MAJOR}")
  target_link_libraries(cairn_cuda PUBLIC CUDA::cudart_static PRIVATE cairn_math ${CMAKE_DL_LIBS})
  target_link_options(cairn_cuda INTERFACE LINKER:-rpath,${CUDAToolkit_LIBRARY_DIR})
  target_link_libraries(cairn_math PRIVATE cairn_cuda)
else()
  target_sources(cairn_math PRIVATE ops/cuda_absent.cpp)
endif()
