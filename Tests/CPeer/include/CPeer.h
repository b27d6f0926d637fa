// Connections of other users, for tests that root runs.

#pragma once

#include <stddef.h>
#include <sys/types.h>

/// Connects to a Unix stream socket as another user: on a thread of its own, whose credentials are the thread's alone
/// (credentials(7): the system calls change one thread; only glibc's functions change all). The kernel records them at
/// connect(2). The first group is the primary one, and there must be one.
///
/// Returns the descriptor, or minus errno.
int peer_connect(const char *path, uid_t uid, const gid_t *groups, size_t count);
