#define _GNU_SOURCE
#include "CUnixSocket.h"

#include <link.h>
#include <linux/sched.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int unix_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int unix_peer_credentials(int socket, struct unix_credentials *credentials) {
  struct ucred peer;
  socklen_t length = sizeof peer;
  int result = getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length);
  if (result == 0) {
    credentials->uid = peer.uid;
    credentials->gid = peer.gid;
    credentials->pid = peer.pid;
  }
  return result;
}

int unix_peer_groups(int socket, gid_t *groups, int capacity) {
  socklen_t length = (socklen_t)capacity * sizeof(gid_t);
  int result = getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
  return result < 0 ? result : (int)(length / sizeof(gid_t));
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t token) {
  struct epoll_event event = {.events = events, .data = {.u64 = token}};
  return epoll_ctl(epoll, operation, fd, &event);
}

int unix_epoll_add(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, events, token);
}

int unix_epoll_modify(int epoll, int fd, uint32_t events, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, events, token);
}

int unix_epoll_wait(int epoll, struct unix_event *events, int capacity, int timeout_milliseconds) {
  struct epoll_event ready[64];
  int count = epoll_wait(epoll, ready, capacity < 64 ? capacity : 64, timeout_milliseconds);
  for (int index = 0; index < count; index++) {
    events[index].events = ready[index].events;
    events[index].token = ready[index].data.u64;
  }
  return count;
}

int unix_forbid_core_dumps(void) {
  struct rlimit none = {0, 0};
  if (setrlimit(RLIMIT_CORE, &none) < 0)
    return -1;
  return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

int unix_usable_processors(void) {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) < 0 ? -1 : CPU_COUNT(&set);
}

void unix_release_free_memory(void) {
  malloc_trim(0);
}

void unix_use_small_pages(void) {
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

static int release_unwritten(struct dl_phdr_info *object, size_t size, void *page_mask) {
  (void)size;
  const uintptr_t mask = *(const uintptr_t *)page_mask;
  for (int index = 0; index < object->dlpi_phnum; index++) {
    const ElfW(Phdr) *segment = &object->dlpi_phdr[index];
    // What may be written holds relocated addresses, which are nowhere else.
    if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
      continue;
    uintptr_t begin = object->dlpi_addr + segment->p_vaddr;
    uintptr_t end = (begin + segment->p_filesz) & mask;
    begin &= mask;
    if (begin < end)
      madvise((void *)begin, end - begin, MADV_DONTNEED);
  }
  return 0;
}

void unix_release_program_pages(void) {
  uintptr_t mask = ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);
  dl_iterate_phdr(release_unwritten, &mask);
}

// struct sched_attr in its first size; glibc has neither that nor the call before 2.41, and the kernel's header does not go
// with glibc's sched.h.
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

void unix_set_up_thread(const char *name, int niceness, uint64_t slice_nanoseconds) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_setname_np(pthread_self(), name);
  // Threads that it has others make for it, as Dispatch's, are not to go before others too.
  struct scheduling wanted = {
      .size = sizeof wanted,
      .policy = SCHED_OTHER,
      .flags = SCHED_FLAG_RESET_ON_FORK,
      .nice = niceness,
      .runtime = slice_nanoseconds,
  };
  if (syscall(SYS_sched_setattr, 0, &wanted, 0) == 0) return;
  wanted.nice = 0;
  syscall(SYS_sched_setattr, 0, &wanted, 0);
}
