#include "common/config/yaml_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> problems_of(const std::string& text) {
  Diagnostics diagnostics;
  parse_yaml(text, "f", diagnostics);
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics.sorted()) lines.push_back(diagnostic.text());
  return lines;
}

TEST(YamlTree, KnowsWhereEverythingStands) {
  Diagnostics diagnostics;
  const YamlNode root = parse_yaml("a: 1\nb:\n  c: [x, 'y']\n  d:\n", "f", diagnostics);
  ASSERT_TRUE(diagnostics.empty());
  const YamlNode* y = find(root, {"b", "c", "1"});
  ASSERT_NE(y, nullptr);
  EXPECT_EQ(y->text, "y");
  EXPECT_TRUE(y->quoted);
  EXPECT_EQ(y->at.line, 3u);
  EXPECT_EQ(y->at.column, 10u);
  const YamlNode* d = find(root, {"b", "d"});
  ASSERT_NE(d, nullptr);
  EXPECT_TRUE(d->is_null());
  EXPECT_EQ(d->at.line, 4u);  // the key's place: the parser puts an empty value behind it
  EXPECT_EQ(find(root, {"b", "c", "2"}), nullptr);
  EXPECT_EQ(find(root, {"a", "b"}), nullptr);
}

TEST(YamlTree, WhatIsMissingIsShownAtTheNearestKeyAbove) {
  Diagnostics diagnostics;
  const YamlNode root = parse_yaml("a:\n  b:\n    c: 1\n", "f", diagnostics);
  const Position at = position_of(root, {"a", "b", "x", "y"});
  EXPECT_EQ(at.line, 2u);
  EXPECT_EQ(at.column, 3u);
}

TEST(YamlTree, RefusesDuplicateKeysInEveryBlock) {
  EXPECT_THAT(problems_of("a: 1\nb: {x: 1, x: 2}\na: 2\n"),
              ElementsAre("f:2:11: b.x: duplicate key; the first is at 2:5; remove one",
                          "f:3:1: a: duplicate key; the first is at 1:1; remove one"));
}

TEST(YamlTree, RefusesWhatAJobFileHasNoUseFor) {
  EXPECT_THAT(problems_of("a: &x 1\nb: *x\n"),
              ElementsAre(HasSubstr("f:1:4: a: anchors (&name) are not supported"),
                          HasSubstr("f:2:4: b: aliases (*name) are not supported")));
  EXPECT_THAT(problems_of("a: !!int 1\n"), ElementsAre(HasSubstr("a: tags (!name)")));
  EXPECT_THAT(problems_of("? [a]\n: 1\n"), ElementsAre(HasSubstr("a key must be a word")));
  EXPECT_THAT(problems_of("a: 1\n---\nb: 1\n"),
              ElementsAre(HasSubstr("more than one YAML document")));
}

TEST(YamlTree, DeepNestingIsAnErrorNotACrash) {
  EXPECT_THAT(problems_of(std::string(100'000, '[')), ElementsAre(HasSubstr("not YAML")));
}

}  // namespace
}  // namespace cairn
