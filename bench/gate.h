// Lines for programs. A goal, as `./dev bench` prints it last: `gate NAME VALUE MUST_REACH
// ok|short`. A figure, as `./dev bench --beside` compares it: `figure NAME VALUE UNIT`.
#pragma once

#include <string>

namespace cairn {

// `bound` is ">=" or "<=".
void gate(const std::string& name, double value, const std::string& bound, double goal);

// The line of a goal that this run could not measure.
void gate_skipped(const std::string& name, const std::string& bound, double goal,
                  const std::string& why);

// `what` as people read it; in the line what is no letter or digit is an underscore. Units of rates
// end in "/s"; "s" and "ms" are durations.
void figure(const std::string& what, double value, const std::string& unit);

}  // namespace cairn
