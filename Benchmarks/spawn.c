// How long whole processes take, from before they are started until they have been waited for: two commands by turns.
//
//   spawn ROUNDS COMMAND [ARGUMENT…] -- COMMAND [ARGUMENT…]
//
// Each must exit with 0 every time. What they print goes nowhere.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "histogram.h"
#include "keys.h"

extern char **environ;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t run(char **command, const posix_spawn_file_actions_t *actions) {
  pid_t pid;
  int status;
  uint64_t begin = now();
  int code = posix_spawnp(&pid, command[0], actions, NULL, command, environ);
  if (code) fail(code, "%s", command[0]);
  if (waitpid(pid, &status, 0) < 0) fail(errno, "waitpid");
  uint64_t time = now() - begin;
  if (!WIFEXITED(status) || WEXITSTATUS(status)) fail(0, "%s has failed", command[0]);
  return time;
}

int main(int count, char **arguments) {
  int second = 2;
  while (second < count && strcmp(arguments[second], "--")) second++;
  long rounds = count > 2 ? atol(arguments[1]) : 0;
  if (rounds < 1 || second == 2 || second + 1 >= count) fail(0, "usage: spawn ROUNDS COMMAND… -- COMMAND…");
  arguments[second] = NULL;
  char **commands[] = {arguments + 2, arguments + second + 1};

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  struct histogram *times = calloc(2, sizeof *times);
  if (!times) fail(0, "no memory");
  for (long round = -2; round < rounds; round++)
    for (int index = 0; index < 2; index++) {
      uint64_t time = run(commands[index], &actions);
      // The first two find nothing in the caches.
      if (round >= 0) record(&times[index], time);
    }
  for (int index = 0; index < 2; index++) {
    printf("%s{\"protocol\":\"spawn\",\"answers\":%" PRIu64 ",", index ? "\n" : "", times[index].count);
    print_quantiles(&times[index], stdout);
    putchar('}');
  }
  putchar('\n');
  free(times);
  return 0;
}
