# The mathematics. The programs link nothing else of the worker, so that a GPU machine can run them.
cairn_test(math_ops_test
  SOURCES tensor/arena_test.cpp
          ops/activation_test.cpp ops/attention_test.cpp ops/cross_test.cpp ops/embedding_test.cpp ops/gates_test.cpp ops/interaction_test.cpp
          ops/linear_test.cpp
          ops/loss_test.cpp ops/matmul_test.cpp ops/numbers.cpp ops/ops_test.cpp ops/round_test.cpp
          autograd/functions_test.cpp
  LIBRARIES cairn_gpu_backend OpenMP::OpenMP_CXX)
cairn_test(math_tensor_test
  SOURCES tensor/npy_test.cpp tensor/tensor_test.cpp autograd/tensor_functions_test.cpp
  LIBRARIES cairn_math fmt::fmt)
target_compile_definitions(math_tensor_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(math_models_test
  SOURCES nn/parameters_test.cpp
          models/example.cpp models/factory_test.cpp models/fixtures.cpp models/fixtures_test.cpp
          models/device_model_test.cpp models/twins.cpp models/layers_test.cpp models/model_fixtures_test.cpp
          models/recommender_test.cpp
          models/reference_model.cpp models/variations.cpp
          optimizers/dense_optimizer_test.cpp
  LIBRARIES cairn_gpu_backend fmt::fmt)
target_compile_definitions(math_models_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(math_heap_test
  SOURCES models/heap_test.cpp models/example.cpp
  LIBRARIES cairn_math ${CMAKE_DL_LIBS})
# What only a GPU can show; elsewhere each test says that there is none.
cairn_test(gpu_test
  SOURCES gpu_test.cpp models/example.cpp models/reference_model.cpp models/twins.cpp models/variations.cpp
  LIBRARIES cairn_gpu_backend fmt::fmt)
