// Reads TOML 1.0 into a flat list. A plain C face for toml++, whose templates and exceptions Swift cannot take.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ctoml_kind {
  CTOML_TABLE,
  CTOML_ARRAY,
  CTOML_STRING,
  CTOML_INTEGER,
  CTOML_BOOLEAN,
  CTOML_FLOAT,
  CTOML_DATE_TIME,  // a date, a time, or both
} ctoml_kind;

// A place in the text: lines and columns count from 1, columns in code points; 0 where it is not known.
typedef struct ctoml_position {
  uint32_t line;
  uint32_t column;
} ctoml_position;

// A table, an array or a value. Texts are UTF-8 that ends with a NUL, and live as long as the document.
typedef struct ctoml_entry {
  // Where it stands in the document, for people: `server.socket`, `rights."user:ann"[0]`.
  const char *path;
  // Its own key; NULL for an element of an array.
  const char *key;
  // The index of the table or array that holds it, which comes before it; -1 at the top level.
  ptrdiff_t parent;
  ctoml_kind kind;
  // Of a string: its bytes, among which there may be NULs. Else NULL and 0.
  const char *string;
  size_t string_length;
  // Of an integer.
  int64_t integer;
  // Of a boolean.
  bool boolean;
  // Of its key, or of the value where it has none.
  ctoml_position key_position;
  ctoml_position value_position;
} ctoml_entry;

typedef struct ctoml_error {
  const char *message;
  ctoml_position position;
} ctoml_error;

// What a text holds: entries with every holder before what it holds, siblings in the order of the text; or what is
// wrong with it.
typedef struct ctoml_document {
  const ctoml_entry *entries;
  size_t entry_count;
  // NULL where the text is good.
  const ctoml_error *error;
} ctoml_document;

// Reads a text of UTF-8. Returns NULL only where memory is short; the caller frees the document.
ctoml_document *ctoml_parse(const char *text, size_t length);

void ctoml_free(ctoml_document *document);

#ifdef __cplusplus
}
#endif
