#include "bench/step/floor.h"

#include <omp.h>

#include <cstring>
#include <dnnl.hpp>
#include <vector>

namespace cairn::step {

using dnnl::memory;

struct Floor::Products {
  struct One {
    dnnl::matmul matmul;
    memory a, b, c;
  };
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<One> all;
};

Floor::Floor(std::span<const Product> products, bool bf16)
    : products_(std::make_unique<Products>()) {
  const auto type = bf16 ? memory::data_type::bf16 : memory::data_type::f32;
  const auto describe = [](size_t rows, size_t cols, memory::data_type of, bool transposed) {
    return memory::desc({static_cast<memory::dim>(rows), static_cast<memory::dim>(cols)}, of,
                        transposed ? memory::format_tag::ba : memory::format_tag::ab);
  };
  const auto zeros = [this](const memory::desc& desc) {
    memory made(desc, products_->engine);
    std::memset(made.get_data_handle(), 0, desc.get_size());
    return made;
  };
  for (const Product& p : products) {
    const memory::desc a = describe(p.m, p.k, type, p.a_transposed);
    const memory::desc b = describe(p.k, p.n, type, p.b_transposed);
    const memory::desc c = describe(p.m, p.n, memory::data_type::f32, false);
    const dnnl::matmul::primitive_desc chosen(dnnl::matmul::desc(a, b, c), products_->engine);
    products_->all.push_back({dnnl::matmul(chosen), zeros(a), zeros(b), zeros(c)});
  }
}

Floor::~Floor() = default;

void Floor::run(int threads) {
  omp_set_num_threads(threads);
  for (const Products::One& one : products_->all)
    one.matmul.execute(products_->stream,
                       {{DNNL_ARG_SRC, one.a}, {DNNL_ARG_WEIGHTS, one.b}, {DNNL_ARG_DST, one.c}});
  products_->stream.wait();
}

}  // namespace cairn::step
