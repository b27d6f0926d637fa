#include "histogram.h"

#include <inttypes.h>

void merge(struct histogram *into, const struct histogram *from) {
  into->count += from->count;
  if (from->max > into->max) into->max = from->max;
  for (unsigned bucket = 0; bucket < histogram_buckets; bucket++) into->counts[bucket] += from->counts[bucket];
}

static uint64_t upper_end(unsigned bucket) {
  if (bucket < 128) return bucket;
  unsigned shift = bucket / 64 - 1;
  return ((uint64_t)(bucket % 64 + 65) << shift) - 1;
}

uint64_t quantile(const struct histogram *histogram, double share) {
  double wanted = share * (double)histogram->count;
  uint64_t seen = 0;
  for (unsigned bucket = 0; bucket < histogram_buckets; bucket++) {
    seen += histogram->counts[bucket];
    if (seen && (double)seen >= wanted) {
      uint64_t end = upper_end(bucket);
      return end < histogram->max ? end : histogram->max;
    }
  }
  return histogram->max;
}

void print_quantiles(const struct histogram *histogram, FILE *file) {
  static const struct {
    const char *name;
    double share;
  } wanted[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}, {"p9999", .9999}};
  for (unsigned index = 0; index < sizeof wanted / sizeof *wanted; index++)
    fprintf(file, "\"%s_ns\":%" PRIu64 ",", wanted[index].name, quantile(histogram, wanted[index].share));
  fprintf(file, "\"max_ns\":%" PRIu64, histogram->max);
}

void print_buckets(const struct histogram *histogram, FILE *file) {
  const char *separator = "";
  fputs("\"histogram\":[", file);
  for (unsigned bucket = 0; bucket < histogram_buckets; bucket++) {
    if (!histogram->counts[bucket]) continue;
    fprintf(file, "%s[%" PRIu64 ",%" PRIu64 "]", separator, upper_end(bucket), histogram->counts[bucket]);
    separator = ",";
  }
  fputs("]", file);
}
