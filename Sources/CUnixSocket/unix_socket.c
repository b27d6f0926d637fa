#define _GNU_SOURCE
#include "CUnixSocket.h"

#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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

ssize_t unix_receive(int socket, void *bytes, size_t capacity) {
  return syscall(SYS_recvfrom, socket, bytes, capacity, 0, NULL, NULL);
}

ssize_t unix_send(int socket, const void *bytes, size_t count) {
  return syscall(SYS_sendto, socket, bytes, count, MSG_NOSIGNAL, NULL, 0);
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

void unix_set_up_thread(const char *name, int niceness) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, NULL);
  pthread_setname_np(pthread_self(), name);
  // Threads that it has others make for it, as Dispatch's, are not to go before others too.
  struct sched_param none = {0};
  if (niceness < 0) sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
  if (niceness) setpriority(PRIO_PROCESS, 0, niceness);
}
