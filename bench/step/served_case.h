// Measures the cost of a server on the same machine: the yardstick's whole job against its step
// with rows in local arrays.
//
// Two ways to make cores equal. Wall: `one_worker` trains on one core while the server has the
// other, against one local worker, so that it shows what the worker waits for; `two_workers` and a
// server share two cores, against two local workers on them. Processor time: samples for a second
// of all the job's processes, reading, launcher and servers included, against those of the local
// workers' threads: what is left where nobody waits, whatever else the machine does.
#pragma once

#include <cstddef>
#include <string>

namespace cairn::step {

constexpr const char* kServedCases[] = {"served_f32_one_worker", "served_f32_two_workers"};

void measure_served(const std::string& name, size_t rounds);
void skip_served(const std::string& name, const std::string& why);

}  // namespace cairn::step
