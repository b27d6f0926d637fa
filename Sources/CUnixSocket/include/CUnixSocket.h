#pragma once

// What Swift cannot import from glibc: functions behind _GNU_SOURCE, variadic ones, and epoll's packed union.
// Every function returns what the call it wraps does, with errno set.

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <unistd.h>

struct unix_credentials {
  uid_t uid;
  gid_t gid;
  pid_t pid;
};

struct unix_event {
  uint32_t events;
  uint64_t token;
};

/// The next connection, non-blocking and closed on exec (accept4(2)).
int unix_accept(int listener);

/// SO_PEERCRED (unix(7)).
int unix_peer_credentials(int socket, struct unix_credentials *credentials);

/// SO_PEERGROUPS (socket(7)): up to `capacity` groups. Returns how many there are; -1 with ERANGE if more.
int unix_peer_groups(int socket, gid_t *groups, int capacity);

/// recv(2) and send(2), without SIGPIPE. Not cancellation points as glibc's are, which take some 20 ns each for that in a
/// process with threads.
static inline ssize_t unix_receive(int socket, void *bytes, size_t capacity) {
  return syscall(SYS_recvfrom, socket, bytes, capacity, 0, NULL, NULL);
}
static inline ssize_t unix_send(int socket, const void *bytes, size_t count) {
  return syscall(SYS_sendto, socket, bytes, count, MSG_NOSIGNAL, NULL, 0);
}

/// epoll_ctl(2) with EPOLL_CTL_ADD, EPOLL_CTL_MOD.
int unix_epoll_add(int epoll, int fd, uint32_t events, uint64_t token);
int unix_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token);

/// epoll_wait(2) for up to 64 events.
int unix_epoll_wait(int epoll, struct unix_event *events, int capacity, int timeout_milliseconds);

/// Keeps the process out of core dumps and away from ptrace by other users (PR_SET_DUMPABLE, prctl(2)).
int unix_forbid_core_dumps(void);

/// Gives free memory of all threads back to the system (malloc_trim(3)).
void unix_release_free_memory(void);

/// Has memory that is touched for the first time from now on come in small pages (PR_SET_THP_DISABLE, prctl(2)).
void unix_use_small_pages(void);

/// Unmaps the pages of the program and its libraries that nothing has been written to (madvise(2), MADV_DONTNEED): each
/// comes back out of the page cache, or from the disk, when it is touched again.
void unix_release_program_pages(void);

/// How many processors the process may run on (sched_getaffinity(2)); -1 if the kernel does not say.
int unix_usable_processors(void);

/// Names the calling thread, keeps signals from it, and gives it a value of nice(2) and a time slice, by
/// sched_setattr(2): 0 for the kernel's own, else at least 100,000 ns. Neither passes to threads that it makes where it puts
/// it before others. What is not to be had it does without.
void unix_set_up_thread(const char *name, int niceness, uint64_t slice_nanoseconds);
