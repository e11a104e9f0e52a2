// Addresses as a job file gives them. Thread safety: pure functions.
#pragma once

#include <string>

namespace cairn {

// An IPv4 or IPv6 address in digits, without brackets.
bool is_ip_address(const std::string& address);

// Whether no other host reaches the address: 127.0.0.0/8, ::1 (also in brackets), localhost, and
// the network interface lo.
bool is_loopback(const std::string& address);

}  // namespace cairn
