cairn_test(math_models_test
  SOURCES models/dcn_test.cpp models/example.cpp models/reference_dcn.cpp
  LIBRARIES cairn_math)
