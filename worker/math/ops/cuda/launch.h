// How the operations in this folder are written: a kernel is a body, a function of its index, and
// one of the ways below to run it for all indices. nvcc makes a grid of each (kernels.cuh); every
// other compiler a loop that is given to a HostDevice (kernels_host.h), which the tests run without
// a GPU. So each operation is one file, compiled twice. Bodies and orders of summation are the same
// in both, and no sum is made of atomics: the same inputs give the same bits.
//
//   for_each(count, body)              body(i)
//   for_each_element(rows, cols, body) body(r, c)
//   reduce_rows<N>(rows, cols, term, finish)
//     of each row r N sums over columns, in double: term(r, c, sums) adds to `sums`; then
//     finish(r, sums). Of 32 partial sums, columns c mod 32, halved.
//   map_rows<N>(rows, cols, term, finish, body)
//     the same sums; finish(r, sums) may make something else of them and writes nothing besides, as
//     each thread of the row does it; then body(r, c, sums) for each column.
//   reduce_columns<N>(rows, cols, term, finish)
//     of each column c N sums over rows, in float: term(r, c, sums) adds; then finish(c, sums).
//     Of blocks of kRowsOfABlock rows, and in each of kColumnLanes partial sums, halved. It takes
//     device().scratch: scratch_beside_columns<N>(rows, cols, bytes) is some that it leaves alone.
//
// Each index is met once, so a term may also write what is its own, which saves a pass.
//
// A body is written `[=] CAIRN_BODY(size_t i) { ... }` and captures by value; what its pointers
// point to is read when the device comes to it. Libraries' parts stand behind matmul.h and sort.h.
#pragma once

#ifdef __CUDACC__
#include "worker/math/ops/cuda/kernels.cuh"
#else
#include "worker/math/ops/cuda/kernels_host.h"
#endif
