cairn_test(math_models_test
  SOURCES models/dcn_test.cpp models/example.cpp models/reference_dcn.cpp
  LIBRARIES cairn_math)
cairn_test(math_ops_test
  SOURCES ops/cross_test.cpp ops/embedding_test.cpp ops/gates_test.cpp ops/linear_test.cpp
          ops/loss_test.cpp ops/matmul_test.cpp ops/numbers.cpp ops/ops_test.cpp
  LIBRARIES cairn_math OpenMP::OpenMP_CXX)
