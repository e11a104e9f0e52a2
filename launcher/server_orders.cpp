#include "launcher/server_orders.h"

#include <nlohmann/json.hpp>

namespace cairn {

namespace {

using Json = nlohmann::json;

// Runs `read`, which throws on what is missing or of another type.
template <typename T, typename Read>
Result<T> parse(const std::string& line, const char* what, Read read) {
  try {
    return read(Json::parse(line));
  } catch (const Json::exception& problem) {
    return Error{ErrorCode::kCorrupt, std::string("no ") + what + ": " + problem.what()};
  }
}

// A message may quote bytes of an input file that are no UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_line(const ServerOrders& orders) {
  return dump({{"job", orders.job},
               {"incarnation", orders.incarnation},
               {"rank", orders.rank},
               {"server", orders.server},
               {"hot_bytes", orders.hot_bytes},
               {"endpoint", orders.endpoint},
               {"checkpoint", orders.checkpoint ? Json(*orders.checkpoint) : Json()},
               {"recover", orders.recover},
               {"endpoints", orders.endpoints},
               {"metrics_port", orders.metrics_port}});
}

std::string to_line(const StartReport& report) {
  return dump({{"exit_code", report.exit_code},
               {"message", report.message},
               {"endpoints", report.endpoints},
               {"metrics_port", report.metrics_port},
               {"lost", report.lost}});
}

Result<ServerOrders> parse_orders(const std::string& line) {
  return parse<ServerOrders>(line, "orders of a keeper", [](const Json& json) {
    ServerOrders orders;
    json.at("job").get_to(orders.job);
    json.at("incarnation").get_to(orders.incarnation);
    json.at("rank").get_to(orders.rank);
    json.at("server").get_to(orders.server);
    json.at("hot_bytes").get_to(orders.hot_bytes);
    json.at("endpoint").get_to(orders.endpoint);
    if (!json.at("checkpoint").is_null()) orders.checkpoint = json.at("checkpoint");
    json.at("recover").get_to(orders.recover);
    json.at("endpoints").get_to(orders.endpoints);
    json.at("metrics_port").get_to(orders.metrics_port);
    return orders;
  });
}

Result<StartReport> parse_report(const std::string& line) {
  return parse<StartReport>(line, "report of a start", [](const Json& json) {
    StartReport report;
    json.at("exit_code").get_to(report.exit_code);
    json.at("message").get_to(report.message);
    json.at("endpoints").get_to(report.endpoints);
    json.at("metrics_port").get_to(report.metrics_port);
    json.at("lost").get_to(report.lost);
    return report;
  });
}

}  // namespace cairn
