add_library(cairn_math STATIC
  tensor/arena.cpp
  ops/factory.cpp
  ops/cuda_absent.cpp
  ops/cpu/copy.cpp
  ops/cpu/cpu_ops.cpp
  ops/cpu/cross.cpp
  ops/cpu/embedding.cpp
  ops/cpu/gates.cpp
  ops/cpu/linear.cpp
  ops/cpu/loss.cpp
  ops/cpu/matmul.cpp
  autograd/functions.cpp
  autograd/tape.cpp
  nn/cross.cpp
  nn/heads.cpp
  nn/mlp.cpp
  nn/parameters.cpp
  models/dcn.cpp
  models/factory.cpp
  optimizers/adam.cpp
  optimizers/factory.cpp
  optimizers/sgd.cpp)
target_link_libraries(cairn_math PRIVATE DNNL::dnnl OpenMP::OpenMP_CXX)
