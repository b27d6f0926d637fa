#define _GNU_SOURCE
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "%s: ", program_invocation_short_name);
  vfprintf(stderr, format, arguments);
  va_end(arguments);
  fprintf(stderr, code ? ": %s\n" : "\n", strerror(code));
  exit(1);
}

static struct key parse(const char *path, const char *line, const char *end) {
  const char *permission = memchr(line, ',', (size_t)(end - line));
  const char *secret = permission ? memchr(permission + 1, ',', (size_t)(end - permission - 1)) : NULL;
  if (!secret || secret + 1 == end) fail(0, "%s: a line is not name,permission,secret", path);
  return (struct key){
      .name = line,
      .name_length = (size_t)(permission - line),
      .secret = secret + 1,
      .secret_length = (size_t)(end - secret - 1),
  };
}

struct keys read_keys(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) fail(errno, "%s", path);
  size_t size = (size_t)status.st_size;
  char *text = size ? malloc(size) : NULL;
  if (!text) fail(0, "%s is empty or too large", path);
  for (size_t done = 0; done < size;) {
    ssize_t count = read(fd, text + done, size - done);
    if (count <= 0) fail(count ? errno : 0, "%s cannot be read", path);
    done += (size_t)count;
  }
  close(fd);

  struct keys keys = {.count = 0};
  const char *end = text + size, *line = memchr(text, '\n', size);
  if (!line) fail(0, "%s has no header line", path);
  line++;
  for (const char *at = line; at < end; at++) keys.count += *at == '\n';
  keys.all = calloc(keys.count + 1, sizeof *keys.all);
  if (!keys.count || !keys.all) fail(0, "%s has no keys", path);
  for (size_t index = 0; index < keys.count; index++) {
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    keys.all[index] = parse(path, line, stop);
    line = stop + 1;
  }
  return keys;
}
