#include "CTOML.h"

// The parser reports errors by value; memory that is short may still throw, and is caught at the C face.
#define TOML_EXCEPTIONS 0
// A configuration nests two deep. This bounds the parser's recursion and the walk's.
#define TOML_MAX_NESTED_VALUES 16
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

// Table headers and dotted keys nest without the parser's counting them, and tables are freed by recursion.
constexpr size_t max_dots_in_line = 128;

struct Document : ctoml_document {
  // A deque, because its elements stay where they are.
  std::deque<std::string> texts;
  std::vector<ctoml_entry> list;
  ctoml_error failure{};

  const std::string &keep(std::string text) { return texts.emplace_back(std::move(text)); }

  void fail(std::string_view message, ctoml_position position) {
    failure = {keep(std::string(message)).c_str(), position};
    error = &failure;
  }
};

ctoml_position position(const toml::source_region &source) { return {source.begin.line, source.begin.column}; }

bool is_bare(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

std::string joined(const std::string &path, std::string_view key) {
  std::string text = path.empty() ? "" : path + ".";
  if (is_bare(key)) return text.append(key);
  return text.append("\"").append(key).append("\"");
}

void walk(Document &document, const toml::node &node, const std::string &path, ptrdiff_t self);

void add(Document &document, const toml::node &node, std::string path, const toml::key *key, ptrdiff_t parent) {
  ctoml_entry entry{};
  const std::string &kept = document.keep(std::move(path));
  entry.path = kept.c_str();
  entry.key = key ? document.keep(std::string(key->str())).c_str() : nullptr;
  entry.parent = parent;
  entry.value_position = position(node.source());
  entry.key_position = key ? position(key->source()) : entry.value_position;
  switch (node.type()) {
    case toml::node_type::table: entry.kind = CTOML_TABLE; break;
    case toml::node_type::array: entry.kind = CTOML_ARRAY; break;
    case toml::node_type::string: {
      const std::string &string = document.keep(node.as_string()->get());
      entry.kind = CTOML_STRING;
      entry.string = string.c_str();
      entry.string_length = string.size();
      break;
    }
    case toml::node_type::integer:
      entry.kind = CTOML_INTEGER;
      entry.integer = node.as_integer()->get();
      break;
    case toml::node_type::boolean:
      entry.kind = CTOML_BOOLEAN;
      entry.boolean = node.as_boolean()->get();
      break;
    case toml::node_type::floating_point: entry.kind = CTOML_FLOAT; break;
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: entry.kind = CTOML_DATE_TIME; break;
    case toml::node_type::none: return;
  }
  document.list.push_back(entry);
  walk(document, node, kept, static_cast<ptrdiff_t>(document.list.size()) - 1);
}

void walk(Document &document, const toml::node &node, const std::string &path, ptrdiff_t self) {
  if (const toml::array *array = node.as_array()) {
    size_t index = 0;
    for (const toml::node &element : *array) {
      add(document, element, path + "[" + std::to_string(index++) + "]", nullptr, self);
    }
  } else if (const toml::table *table = node.as_table()) {
    // The parser sorts keys by their text; people read a file from its top.
    std::vector<std::pair<const toml::key *, const toml::node *>> children;
    for (auto &&[key, value] : *table) children.emplace_back(&key, &value);
    std::stable_sort(children.begin(), children.end(), [](const auto &a, const auto &b) {
      const auto &left = a.first->source().begin, &right = b.first->source().begin;
      return std::pair(left.line, left.column) < std::pair(right.line, right.column);
    });
    for (const auto &[key, value] : children) add(document, *value, joined(path, key->str()), key, self);
  }
}

// The first line that nests too deep to be read, 0 where none does.
uint32_t overdeep_line(std::string_view text) {
  uint32_t line = 1;
  size_t dots = 0;
  for (char c : text) {
    if (c == '\n') {
      line++;
      dots = 0;
    } else if (c == '.' && ++dots > max_dots_in_line) {
      return line;
    }
  }
  return 0;
}

void read(Document &document, std::string_view text) {
  if (uint32_t line = overdeep_line(text)) {
    document.fail("the line has more than 128 dots", {line, 1});
    return;
  }
  toml::parse_result result = toml::parse(text);
  if (!result) {
    document.fail(result.error().description(), position(result.error().source()));
    return;
  }
  walk(document, result.table(), "", -1);
  document.entries = document.list.data();
  document.entry_count = document.list.size();
}

}  // namespace

ctoml_document *ctoml_parse(const char *text, size_t length) {
  Document *document = nullptr;
  try {
    document = new Document{};
    read(*document, std::string_view(text, length));
    return document;
  } catch (...) {
    delete document;
    return nullptr;
  }
}

void ctoml_free(ctoml_document *document) { delete static_cast<Document *>(document); }
