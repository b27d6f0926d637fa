// Counts what all threads ask the allocator for, in the process that this is linked into.

#pragma once

#include <stdint.h>

/// How often memory has been asked for since the process began.
int64_t allocation_count(void);
