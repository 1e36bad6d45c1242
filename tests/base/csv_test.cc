#include "base/csv.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sheaf {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Read {
  std::vector<std::vector<std::string>> rows;
  std::vector<size_t> lines;
  std::vector<std::string> faults;  // "2: text"
};

Read ReadAll(std::string_view text) {
  Read read;
  std::vector<CsvFault> faults;
  CsvReader reader(text);
  while (!reader.AtEnd()) {
    const CsvRow row = reader.Next(&faults);
    read.rows.push_back(row.cells);
    read.lines.push_back(row.line);
  }
  for (const CsvFault& fault : faults) {
    read.faults.push_back(std::to_string(fault.line) + ": " +
                          std::string(fault.text));
  }
  return read;
}

TEST(CsvTest, CellsAreBetweenCommasAndRowsBetweenLineEnds) {
  const Read read = ReadAll("a,b\n,c d\r\nlast");
  EXPECT_THAT(read.rows,
              ElementsAre(ElementsAre("a", "b"), ElementsAre("", "c d"),
                          ElementsAre("last")));
  EXPECT_THAT(read.lines, ElementsAre(1, 2, 3));
  EXPECT_THAT(read.faults, IsEmpty());
}

TEST(CsvTest, AQuotedCellHoldsAnything) {
  const Read read = ReadAll("\"a \"\"red\"\" fox,\nat night\",1\nplain,2\n");
  EXPECT_THAT(read.rows,
              ElementsAre(ElementsAre("a \"red\" fox,\nat night", "1"),
                          ElementsAre("plain", "2")));
  EXPECT_THAT(read.lines, ElementsAre(1, 3));
}

TEST(CsvTest, ACarriageReturnAloneEndsNothing) {
  EXPECT_THAT(ReadAll("a\rb,c\r\nd").rows,
              ElementsAre(ElementsAre("a\rb", "c"), ElementsAre("d")));
}

TEST(CsvTest, StrayQuotesAreFaultsOfTheirLine) {
  EXPECT_THAT(ReadAll("x\na\"b\n").faults,
              ElementsAre("2: a quote inside a cell that is not quoted"));
  EXPECT_THAT(ReadAll("\"a\" b,c\n").faults,
              ElementsAre("1: text after the closing quote of a cell"));
  EXPECT_THAT(ReadAll("x\n\"a\nb\n").faults,
              ElementsAre("2: a quoted cell has no closing quote"));
}

TEST(CsvTest, WhatIsWrittenIsReadAgain) {
  for (const std::string cell :
       {"", "plain", "a,b", "\"", "say \"hi\"", "two\nlines", "a\r\nb", "\r"}) {
    std::string text = "first,";
    AppendCsvCell(cell, &text);
    text += ",last\n";
    const Read read = ReadAll(text);
    EXPECT_THAT(read.rows, ElementsAre(ElementsAre("first", cell, "last")));
    EXPECT_THAT(read.faults, IsEmpty()) << cell;
  }
  std::string plain;
  AppendCsvCell("plain", &plain);
  EXPECT_EQ(plain, "plain");
}

}  // namespace
}  // namespace sheaf
