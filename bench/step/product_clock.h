// How much of its time the calling thread has spent in matrix products. The program's own
// dnnl_primitive_execute and dnnl_sgemm stand before oneDNN's, read a clock and call those: the
// code that is measured carries nothing for it.
#pragma once

namespace cairn::step {

double seconds_in_products();  // of this thread, so far

}  // namespace cairn::step
