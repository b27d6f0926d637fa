#define _GNU_SOURCE
#include "CPeer.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct task {
  const char *path;
  uid_t uid;
  const gid_t *groups;
  size_t count;
  int result;
};

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  int code = errno;
  close(fd);
  return -code;
}

static void *run(void *argument) {
  struct task *task = argument;
  gid_t gid = task->groups[0];
  if (syscall(SYS_setgroups, task->count, task->groups) != 0 || syscall(SYS_setresgid, gid, gid, gid) != 0 ||
      syscall(SYS_setresuid, task->uid, task->uid, task->uid) != 0) {
    task->result = -errno;
  } else {
    task->result = connect_to(task->path);
  }
  return NULL;
}

int peer_connect(const char *path, uid_t uid, const gid_t *groups, size_t count) {
  if (count == 0) return -EINVAL;
  struct task task = {path, uid, groups, count, 0};
  pthread_t thread;
  int code = pthread_create(&thread, NULL, run, &task);
  if (code != 0) return -code;
  pthread_join(thread, NULL);
  return task.result;
}
