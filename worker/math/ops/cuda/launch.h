// How the operations in this folder are written: a kernel is a body, a function of its index, and
// one of the ways below to run it for all indices. nvcc makes a grid of each (kernels.cuh). Every
// other compiler makes a loop that is given to a HostDevice (kernels_host.h), which the tests run
// without a GPU. So each operation is one file, compiled twice. Bodies and orders of summation are
// the same in both, and no sum is made of atomics: the same inputs give the same bits.
//
//   for_each(count, body)              body(i)
//   for_each_element(rows, cols, body) body(r, c)
//   reduce_rows<N>(rows, cols, term, finish)
//     N sums over columns per row r, in double: term(r, c, sums) adds to `sums`; then
//     finish(r, sums). Column c goes into partial sum c mod 32 of 32; these are added by halves.
//   map_rows<N>(rows, cols, term, finish, body)
//     the same sums; finish(r, sums) may change them and writes nothing else, as each thread of the
//     row calls it; then body(r, c, sums) for each column.
//   reduce_columns<N>(rows, cols, term, finish)
//     N sums over rows per column c, in float: term(r, c, sums) adds; then finish(c, sums). Rows
//     are summed in blocks of kRowsOfABlock, and within a block in kColumnLanes partial sums, added
//     by halves. It takes device().scratch; scratch_beside_columns<N>(rows, cols, bytes) is a part
//     that it leaves alone.
//
// Each index is met once, so a term may also write an element of its own, which saves a pass.
//
// A body is written `[=] CAIRN_BODY(size_t i) { ... }` and captures by value. Memory behind its
// pointers is read when the device comes to it. Libraries stand behind matmul.h and sort.h.
#pragma once

#ifdef __CUDACC__
#include "worker/math/ops/cuda/kernels.cuh"
#else
#include "worker/math/ops/cuda/kernels_host.h"
#endif
