#include "common/config/yaml_tree.h"

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <optional>
#include <sstream>
#include <utility>

namespace cairn {
namespace {

// How marks of the parser, which count from 0, become positions.
struct Origin {
  std::string_view file;
  uint32_t line = 1, column = 1;  // of the mark 0, 0
  bool is_override = false;       // its line is its number, whatever its value holds

  Position of(const YAML::Mark& mark) const {
    if (mark.is_null()) return start();
    return {file, is_override ? line : line + static_cast<uint32_t>(mark.line),
            column + static_cast<uint32_t>(mark.column)};
  }
  Position start() const { return {file, line, column}; }
};

// yaml-cpp's own tree keeps only the first of two equal keys in sight, so we build ours from its
// events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(Origin origin, Diagnostics& diagnostics)
      : origin_(origin), diagnostics_(diagnostics) {}

  YamlNode take_root() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({.kind = YamlNode::Kind::kNull, .at = origin_.of(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    diagnostics_.add(origin_.of(mark), path(), "aliases (*name) are not supported",
                     "write the value out, or quote it");
    add({.kind = YamlNode::Kind::kNull, .at = origin_.of(mark)});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    add({.kind = YamlNode::Kind::kScalar,
         .at = origin_.of(mark),
         .quoted = tag == "!",
         .text = value});
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kList, mark, tag, anchor);
  }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    start(YamlNode::Kind::kMap, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapEnd() override { end(); }

 private:
  struct Frame {
    YamlNode node;
    std::optional<YamlEntry> entry;  // of a map: its key is read, its value comes next
  };

  void start(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag,
             YAML::anchor_t anchor) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    stack_.push_back({{.kind = kind, .at = origin_.of(mark)}, std::nullopt});
  }

  void end() {
    YamlNode node = std::move(stack_.back().node);
    stack_.pop_back();
    add(std::move(node));
  }

  void add(YamlNode node) {
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& parent = stack_.back();
    if (parent.node.is_list()) {
      parent.node.items.push_back(std::move(node));
    } else if (!parent.entry) {
      if (!node.is_scalar())
        diagnostics_.add(node.at, path(), "a key must be a word",
                         "quote it if it is meant as text");
      parent.entry = YamlEntry{node.text, node.at, {}};
    } else {
      // The parser places an empty value on a later line.
      if (node.is_null()) node.at = parent.entry->at;
      parent.entry->value = std::move(node);
      add_entry(parent);
    }
  }

  void add_entry(Frame& parent) {
    YamlEntry entry = *std::exchange(parent.entry, std::nullopt);
    if (const YamlEntry* first = parent.node.find(entry.key))
      diagnostics_.add(
          entry.at, join(path(), entry.key), "duplicate key",
          fmt::format("the first is at {}:{}; remove one", first->at.line, first->at.column));
    else
      parent.node.entries.push_back(std::move(entry));
  }

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0)
      diagnostics_.add(origin_.of(mark), path(), "anchors (&name) are not supported",
                       "write the value out, or quote it");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (!tag.empty() && tag != "?" && tag != "!")
      diagnostics_.add(origin_.of(mark), path(), "tags (!name) are not supported",
                       "remove it, or quote the value");
  }

  std::string path() const {
    std::string out;
    for (const Frame& frame : stack_) {
      if (frame.node.is_list())
        out = join(out, std::to_string(frame.node.items.size()));
      else if (frame.entry)
        out = join(out, frame.entry->key);
    }
    return out;
  }

  Origin origin_;
  Diagnostics& diagnostics_;
  std::vector<Frame> stack_;
  YamlNode root_;
};

YamlNode parse(const std::string& text, Origin origin, Diagnostics& diagnostics) {
  TreeBuilder builder(origin, diagnostics);
  try {
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    if (!parser.HandleNextDocument(builder)) return {.at = origin.start()};
    YamlNode root = builder.take_root();
    if (parser.HandleNextDocument(builder))
      diagnostics.add(origin.start(), "", "there is more than one YAML document",
                      "keep one, without a '---' line");
    return root;
  } catch (const YAML::Exception& error) {
    diagnostics.add(origin.of(error.mark), "", "not YAML: " + error.msg,
                    "see docs/config.md for the format");
  } catch (const std::exception& error) {
    diagnostics.add(origin.start(), "", std::string("not YAML: ") + error.what(),
                    "see docs/config.md for the format");
  }
  return {.at = origin.start()};
}

const YamlNode* child(const YamlNode& node, std::string_view step) {
  if (node.is_map()) {
    const YamlEntry* entry = node.find(step);
    return entry ? &entry->value : nullptr;
  }
  if (!node.is_list()) return nullptr;
  size_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc{} || end != step.data() + step.size()) return nullptr;
  return index < node.items.size() ? &node.items[index] : nullptr;
}

}  // namespace

YamlEntry* YamlNode::find(std::string_view key) {
  for (YamlEntry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}
const YamlEntry* YamlNode::find(std::string_view key) const {
  return const_cast<YamlNode*>(this)->find(key);
}

std::string join(YamlPath path) { return fmt::format("{}", fmt::join(path, ".")); }

std::string join(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

const YamlNode* find(const YamlNode& root, YamlPath path) {
  const YamlNode* node = &root;
  for (std::string_view step : path) {
    node = child(*node, step);
    if (node == nullptr) return nullptr;
  }
  return node;
}

Position position_of(const YamlNode& root, YamlPath path) {
  const YamlNode* node = &root;
  Position at{root.at.file, 1, 1};
  size_t steps = 0;
  for (std::string_view step : path) {
    const YamlEntry* entry = node->is_map() ? node->find(step) : nullptr;
    const YamlNode* next = child(*node, step);
    if (next == nullptr) return at;
    // A block lacks something, so its key is shown; of a scalar or a list, the value.
    const bool value = ++steps == path.size() && (next->is_scalar() || next->is_list());
    at = entry && !value ? entry->at : next->at;
    node = next;
  }
  return at;
}

YamlNode parse_yaml(const std::string& text, std::string_view file, Diagnostics& diagnostics) {
  return parse(text, {.file = file}, diagnostics);
}

YamlNode parse_override_value(const std::string& text, uint32_t line, uint32_t column,
                              Diagnostics& diagnostics) {
  return parse(text, {.file = "--set", .line = line, .column = column, .is_override = true},
               diagnostics);
}

}  // namespace cairn
