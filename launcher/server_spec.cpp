#include "launcher/server_spec.h"

#include <nlohmann/json.hpp>

namespace cairn::launcher {

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

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> texts;
  for (const Endpoint& endpoint : endpoints) texts.push_back(endpoint.text());
  return texts;
}

Status read(const Json& json, std::vector<Endpoint>& endpoints) {
  for (const std::string& text : json.get<std::vector<std::string>>()) {
    Result<Endpoint> endpoint = parse_endpoint(text);
    if (!endpoint.ok()) return Error{ErrorCode::kCorrupt, endpoint.error().message};
    endpoints.push_back(std::move(endpoint).value());
  }
  return Ok{};
}

// A message may quote bytes of an input file that are no UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_line(const ServerSpec& spec) {
  return dump({{"job", spec.job},
               {"incarnation", spec.incarnation},
               {"rank", spec.rank},
               {"server", spec.server},
               {"hot_bytes", spec.hot_bytes},
               {"endpoint", spec.endpoint},
               {"checkpoint", spec.checkpoint ? Json(*spec.checkpoint) : Json()},
               {"recover", spec.recover},
               {"endpoints", texts(spec.endpoints)},
               {"metrics_port", spec.metrics_port}});
}

std::string to_line(const StartReport& report) {
  return dump({{"exit_code", report.exit_code},
               {"message", report.message},
               {"endpoints", texts(report.endpoints)},
               {"metrics_port", report.metrics_port},
               {"lost", report.lost}});
}

Result<ServerSpec> parse_spec(const std::string& line) {
  return parse<ServerSpec>(line, "spec of a supervisor",
                           [](const Json& json) -> Result<ServerSpec> {
                             ServerSpec spec;
                             json.at("job").get_to(spec.job);
                             json.at("incarnation").get_to(spec.incarnation);
                             json.at("rank").get_to(spec.rank);
                             json.at("server").get_to(spec.server);
                             json.at("hot_bytes").get_to(spec.hot_bytes);
                             json.at("endpoint").get_to(spec.endpoint);
                             if (!json.at("checkpoint").is_null())
                               spec.checkpoint = json.at("checkpoint");
                             json.at("recover").get_to(spec.recover);
                             if (Status s = read(json.at("endpoints"), spec.endpoints); !s.ok())
                               return s.error();
                             json.at("metrics_port").get_to(spec.metrics_port);
                             return spec;
                           });
}

Result<StartReport> parse_report(const std::string& line) {
  return parse<StartReport>(line, "report of a start", [](const Json& json) -> Result<StartReport> {
    StartReport report;
    json.at("exit_code").get_to(report.exit_code);
    json.at("message").get_to(report.message);
    if (Status s = read(json.at("endpoints"), report.endpoints); !s.ok()) return s.error();
    json.at("metrics_port").get_to(report.metrics_port);
    json.at("lost").get_to(report.lost);
    return report;
  });
}

}  // namespace cairn::launcher
