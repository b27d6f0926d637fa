// Written by proto/generate.
#pragma once
#include <stddef.h>
#include <stdint.h>

const uint8_t *keyward_descriptors(size_t *count);
