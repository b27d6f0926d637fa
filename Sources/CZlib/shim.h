#pragma once
#include <zlib.h>

/// inflateInit2 for gzip alone; Swift cannot see the macro.
static inline int keyward_gunzip_begin(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
