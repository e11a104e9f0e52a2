// A goal, as `./dev bench` prints it last: `gate NAME VALUE MUST_REACH ok|short`.
#pragma once

#include <string>

namespace cairn {

// `bound` is ">=" or "<=".
void gate(const std::string& name, double value, const std::string& bound, double goal);

// Of a goal that this run could not measure.
void gate_skipped(const std::string& name, const std::string& bound, double goal,
                  const std::string& why);

}  // namespace cairn
