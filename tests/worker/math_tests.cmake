# The mathematics. The programs link nothing else of the worker, so that a GPU machine can run them.
cairn_test(math_ops_test
  SOURCES math/tensor/arena_test.cpp
          math/ops/activation_test.cpp math/ops/attention_test.cpp math/ops/cross_test.cpp math/ops/embedding_test.cpp math/ops/gates_test.cpp math/ops/interaction_test.cpp
          math/ops/linear_test.cpp
          math/ops/loss_test.cpp math/ops/matmul_test.cpp math/ops/numbers.cpp math/ops/ops_test.cpp math/ops/round_test.cpp
          math/autograd/functions_test.cpp
  LIBRARIES cairn_gpu_backend OpenMP::OpenMP_CXX)
cairn_test(math_tensor_test
  SOURCES math/tensor/npy_test.cpp math/tensor/tensor_test.cpp math/autograd/tensor_functions_test.cpp
  LIBRARIES cairn_math fmt::fmt)
target_compile_definitions(math_tensor_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(math_models_test
  SOURCES math/nn/parameters_test.cpp
          math/models/example.cpp math/models/factory_test.cpp math/models/fixtures.cpp math/models/fixtures_test.cpp
          math/models/device_model_test.cpp math/models/gradient_buckets_test.cpp math/models/twins.cpp math/models/layers_test.cpp
          math/models/model_fixtures_test.cpp math/models/model_test.cpp math/models/recommender_test.cpp
          math/models/operation_graph_test.cpp math/models/step_runner_test.cpp math/models/task_objective_test.cpp
          math/models/reference_model.cpp math/models/variations.cpp
          math/optimizers/dense_optimizer_test.cpp
  LIBRARIES cairn_gpu_backend fmt::fmt)
target_compile_definitions(math_models_test PRIVATE CAIRN_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
cairn_test(math_heap_test
  SOURCES math/models/heap_test.cpp math/models/example.cpp
  LIBRARIES cairn_math ${CMAKE_DL_LIBS})
# What only a GPU can show; elsewhere each test says that there is none.
cairn_test(gpu_test
  SOURCES math/gpu_test.cpp math/models/example.cpp math/models/reference_model.cpp math/models/twins.cpp math/models/variations.cpp
  LIBRARIES cairn_gpu_backend fmt::fmt)
