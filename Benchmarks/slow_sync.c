// Has each fdatasync(2) of a program take a millisecond at least, as on a slower disk. Loaded by LD_PRELOAD.

#define _GNU_SOURCE
#include <errno.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { least_nanoseconds = 1000000 };

int fdatasync(int fd) {
  struct timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  until.tv_nsec += least_nanoseconds;
  if (until.tv_nsec >= 1000000000) until.tv_sec++, until.tv_nsec -= 1000000000;
  int result = (int)syscall(SYS_fdatasync, fd);
  int code = errno;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
  errno = code;
  return result;
}
