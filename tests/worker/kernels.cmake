# The operations of GPUs, for the host: the same files as nvcc's (worker/math/cuda.cmake), as C++.
set_source_files_properties(${CAIRN_KERNEL_SOURCES} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-x;c++")
add_library(cairn_kernels_on_host STATIC
  ${CAIRN_KERNEL_SOURCES}
  ${CMAKE_SOURCE_DIR}/worker/math/device/host_device.cpp
  ${CMAKE_SOURCE_DIR}/worker/math/ops/cuda/matmul_host.cpp
  ${CMAKE_SOURCE_DIR}/worker/math/ops/cuda/sort_host.cpp)
target_link_libraries(cairn_kernels_on_host PUBLIC cairn_math)
# Where the tests of operations find the GPU's, if there is one.
if(CAIRN_HAVE_CUDA)
  add_library(cairn_gpu_backend STATIC math/ops/gpu_backend.cpp)
else()
  add_library(cairn_gpu_backend STATIC math/ops/gpu_backend_absent.cpp)
endif()
target_link_libraries(cairn_gpu_backend PUBLIC cairn_kernels_on_host PRIVATE GTest::gtest)
