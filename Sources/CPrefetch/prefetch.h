#pragma once

// What Swift has no word for: asks the processor to fetch the cache line of an address that will be read soon. Nothing is
// read by it, so an address that is none does no harm.
static inline void prefetch(const void *address) { __builtin_prefetch(address); }
