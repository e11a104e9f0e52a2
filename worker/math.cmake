add_library(cairn_math STATIC
  math_empty.cpp)
target_link_libraries(cairn_math PRIVATE DNNL::dnnl OpenMP::OpenMP_CXX)
