#pragma once

// Durations in nanoseconds, counted in buckets that are exact below 128 ns and at most 1/64 wide above.

#include <stdint.h>
#include <stdio.h>

enum { histogram_buckets = 64 * 36 };

struct histogram {
  uint64_t count, max, counts[histogram_buckets];
};

static inline unsigned bucket_of(uint64_t value) {
  if (value < 128) return (unsigned)value;
  unsigned shift = 57 - (unsigned)__builtin_clzll(value);
  uint64_t bucket = 64 * shift + (value >> shift);
  return bucket < histogram_buckets ? (unsigned)bucket : histogram_buckets - 1;
}

static inline void record(struct histogram *histogram, uint64_t value) {
  histogram->count++;
  histogram->counts[bucket_of(value)]++;
  if (value > histogram->max) histogram->max = value;
}

void merge(struct histogram *into, const struct histogram *from);

/// The least duration, to a bucket's upper end, that a share of all does not exceed; 0 where there are none.
uint64_t quantile(const struct histogram *histogram, double share);

/// Writes `"p50_ns":…,"p90_ns":…,"p99_ns":…,"p999_ns":…,"max_ns":…`.
void print_quantiles(const struct histogram *histogram, FILE *file);

/// Writes `"histogram":[[upper end in ns,count],…]` of the buckets that hold any.
void print_buckets(const struct histogram *histogram, FILE *file);
