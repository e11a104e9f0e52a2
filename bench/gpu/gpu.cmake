# On a GPU, against PyTorch there. It links the mathematics alone: a machine with a GPU may have
# nothing else.
if(CAIRN_HAVE_CUDA)
  add_executable(gpu_bench
    gpu/gpu_bench.cpp
    gpu/cross_case.cpp
    gpu/embedding_case.cpp
    gpu/event_clock.cpp
    gpu/machine.cpp
    gpu/product_rates.cpp
    gpu/pytorch.cpp
    gpu/report.cpp
    gpu/step_case.cpp
    gpu/step_floor.cpp
    gpu/timed_device.cpp
    gpu/timing.cpp
    step/models.cpp
    gate.cpp
    ${CMAKE_SOURCE_DIR}/worker/synthetic/zipf.cpp
    ${CMAKE_SOURCE_DIR}/worker/training/step_buffers.cpp)
  target_link_libraries(gpu_bench PRIVATE cairn_math CUDA::cudart_static CLI11::CLI11 fmt::fmt
                                          nlohmann_json::nlohmann_json)
endif()
