// The load generator: a closed loop of N connections, each with D requests in flight, on epoll; or with --rate,
// requests at fixed instants, whose latency counts from those instants. One line of JSON on standard output tells what
// came of it. Requests are encoded beforehand and sent in a shuffled order, over and over, so that in every pass each
// key has its turn once.

#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "protocols.h"

static const char usage[] =
    "usage: load --protocol P --socket PATH --keys FILE [options]\n"
    "       load --redis-commands REPLY_SIZE --keys FILE    what fills a Redis server, for redis-cli --pipe\n"
    "  --connections N   1 unless given        --in-flight D    on each connection; 1 unless given\n"
    "  --seconds S       2 unless given        --warm-up S      before that, not counted; 0.2 unless given\n"
    "  --threads T       1 unless given        --pid PID        the server, whose processor time is told\n"
    "  --hot N           ask for N keys alone  --rate R         requests a second in all, with 1 in flight\n"
    "  --skip-late       with --rate: leave out what was due while a reply was being waited for\n"
    "  --first           with --rate: go before every other process where that is allowed (SCHED_FIFO)\n"
    "  --requests N      how many there are to send where each goes once; 100000 unless given\n"
    "  --prefix TEXT     what a name that is made begins with\n"
    "  --buckets         tell every bucket of the histogram\n"
    "  --tell-start      write the line \"counting\" with the first reply that counts\n"
    "SIGINT and SIGTERM end the measuring early. The exit status is 1 where a reply was wrong.\n"
    "The protocols are\n";

static struct {
  const struct protocol *protocol;
  const char *socket, *keys, *prefix;
  unsigned connections, in_flight, threads;
  double seconds, warm_up, rate;
  size_t hot, requests, redis_reply;
  pid_t pid;
  int buckets, skip_late, tell_start, first;
} options = {.prefix = "load", .connections = 1, .in_flight = 1, .threads = 1, .seconds = 2, .warm_up = .2,
             .requests = 100000};

// Requests.

/// Every request there is to send, one behind the other.
static struct {
  uint8_t *bytes;
  uint32_t *offsets;
  size_t count, largest;
} requests;

static uint64_t random_bits(void) {
  static uint64_t state = 0x9E3779B97F4A7C15;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return state;
}

/// The keys to ask for in the order to ask: all of them or the hot ones, shuffled.
static const struct key **choose(struct keys keys, size_t *count) {
  *count = options.hot && options.hot < keys.count ? options.hot : keys.count;
  const struct key **chosen = calloc(*count, sizeof *chosen);
  if (!chosen) fail(ENOMEM, "the keys");
  // The hot ones lie all over the list.
  for (size_t index = 0; index < *count; index++) chosen[index] = &keys.all[index * (keys.count / *count)];
  for (size_t left = *count; left > 1; left--) {
    size_t other = random_bits() % left;
    const struct key *key = chosen[left - 1];
    chosen[left - 1] = chosen[other];
    chosen[other] = key;
  }
  return chosen;
}

static void prepare(struct keys keys) {
  const struct protocol *protocol = options.protocol;
  size_t chosen_count;
  const struct key **chosen = choose(keys, &chosen_count);
  requests.count = protocol->is_once ? options.requests : chosen_count / protocol->span;
  if (!requests.count) fail(0, "%zu keys are too few for %s", chosen_count, protocol->name);
  requests.offsets = calloc(requests.count + 1, sizeof *requests.offsets);
  size_t capacity = 1 << 20, used = 0;
  requests.bytes = malloc(capacity);
  for (size_t index = 0; index < requests.count; index++) {
    if (capacity - used < protocol->max_request) requests.bytes = realloc(requests.bytes, capacity *= 2);
    if (!requests.bytes || !requests.offsets || used > UINT32_MAX) fail(0, "no memory for so many requests");
    size_t first = protocol->is_once ? 0 : index * protocol->span;
    size_t size = protocol->encode(&chosen[first], index, options.prefix, requests.bytes + used);
    requests.offsets[index] = (uint32_t)used;
    if (size > requests.largest) requests.largest = size;
    used += size;
  }
  requests.offsets[requests.count] = (uint32_t)used;
  free(chosen);
}

// Time.

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  if (clock_gettime(clock, &time) < 0) fail(errno, "a clock cannot be read (has the server ended?)");
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static inline uint64_t now(void) { return nanoseconds(CLOCK_MONOTONIC); }

/// When counting begins and ends, and what the processor time of both sides was then: the kernel's account of all
/// threads, those that have ended included.
static uint64_t begin, end;
/// How long after the end a first reply is waited for.
static const uint64_t patience = 10000000000;
static clockid_t server_clock;
static struct processor_time {
  uint64_t server, own;
} first, last;
static atomic_int stopped;

static struct processor_time read_processor_time(void) {
  return (struct processor_time){
      .server = options.pid ? nanoseconds(server_clock) : 0,
      .own = nanoseconds(CLOCK_PROCESS_CPUTIME_ID),
  };
}

static void stop(int number) {
  (void)number;
  stopped = 1;
}

// Connections.

enum { input_size = 256 << 10, wait_nanoseconds = 100000000 };

struct link {
  int fd;
  /// The number of the next request, and of the oldest one without a reply where replies come in order.
  uint32_t next, oldest;
  unsigned in_flight;
  /// With --rate: when the next request is due.
  uint64_t due;
  size_t used;
  uint8_t *input;
  /// When each request was sent, by its number's low bits; 0 where none waits.
  uint64_t *sent;
  struct session session;
};

struct worker {
  pthread_t thread;
  unsigned index, link_count;
  struct link *links;
  int epoll;
  uint32_t ring_mask;
  /// Which request comes next, and the first one of the next worker's.
  size_t cursor, limit;
  uint8_t *output;
  uint64_t period;

  int is_counting, is_over;
  uint64_t from, to, replies, answers, wrong, bytes_received;
  struct histogram latency;
};

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) fail(ENAMETOOLONG, "%s", path);
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // A server that hangs ends the run instead of holding it up.
  struct timeval patience = {.tv_sec = 10};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
      connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
    fail(errno, "%s", path);
  return fd;
}

/// - Returns: the next request's position, or -1 where all have been sent that may go once.
static ptrdiff_t next_position(struct worker *worker) {
  if (worker->cursor == worker->limit && options.protocol->is_once) return -1;
  if (worker->cursor == requests.count) worker->cursor = 0;
  return (ptrdiff_t)worker->cursor++;
}

/// Sends so many requests in one write, after what the protocol has to send besides.
/// - due: the instant from which their latency counts, 0 for that of sending.
static void ask(struct worker *worker, struct link *link, unsigned count, uint64_t due) {
  void (*stamp)(uint8_t *, uint32_t) = options.protocol->stamp;
  struct session *session = &link->session;
  size_t length = session->due_count;
  uint64_t instant = due ? due : now();
  memcpy(worker->output, session->due, length);
  session->due_count = 0;
  for (; count; count--) {
    ptrdiff_t position = next_position(worker);
    if (position < 0) {
      stopped = 1;
      break;
    }
    // A server that answers out of order may leave one behind for as long as the ring is.
    while (stamp && link->sent[link->next & worker->ring_mask]) link->next++;
    size_t size = requests.offsets[position + 1] - requests.offsets[position];
    memcpy(worker->output + length, requests.bytes + requests.offsets[position], size);
    if (stamp) stamp(worker->output + length, link->next);
    link->sent[link->next++ & worker->ring_mask] = instant;
    link->in_flight++;
    length += size;
  }
  for (size_t done = 0; done < length;) {
    ssize_t sent = send(link->fd, worker->output + done, length - done, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) fail(errno, "send");
    if (sent > 0) done += (size_t)sent;
  }
}

static void count_reply(struct worker *worker, struct link *link, const struct reply *reply, uint64_t instant) {
  uint64_t *sent = &link->sent[reply->number & worker->ring_mask];
  if (!*sent || link->next - reply->number > worker->ring_mask + 1) fail(0, "a reply to nothing that was asked");
  if (worker->is_counting) {
    if (worker->replies++ == 0 && worker->index == 0 && options.tell_start) {
      puts("counting");
      fflush(stdout);
    }
    worker->answers += reply->answers;
    worker->wrong += !reply->is_right;
    record(&worker->latency, instant - *sent);
  }
  *sent = 0;
  link->oldest++;
  link->in_flight--;
}

/// Begins and ends the counting when its time has come.
static void look_at(struct worker *worker, uint64_t instant) {
  if (!worker->is_counting && instant >= begin) {
    worker->is_counting = 1;
    worker->from = instant;
    if (worker->index == 0) first = read_processor_time();
  }
  // A machine that is busy with something else may bring no reply in a short time.
  int is_due = instant >= end + patience || ((instant >= end || stopped) && worker->replies);
  if (worker->is_counting && is_due) {
    worker->is_over = 1;
    worker->to = instant;
    if (worker->index == 0) last = read_processor_time();
  } else if (stopped && !worker->is_counting) {
    fail(0, "stopped before anything was counted");
  }
}

/// Takes what has come, and asks for as much again.
static void receive(struct worker *worker, struct link *link) {
  ssize_t count = recv(link->fd, link->input + link->used, input_size - link->used, MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) fail(count ? errno : 0, "the server has closed a connection, or sent too long a reply");
  uint64_t instant = now();
  look_at(worker, instant);
  if (worker->is_over) return;
  if (worker->is_counting) worker->bytes_received += (uint64_t)count;
  link->used += (size_t)count;

  size_t at = 0;
  unsigned replies = 0;
  for (;;) {
    struct reply reply = {.number = link->oldest};
    ptrdiff_t size = options.protocol->parse(&link->session, link->input + at, link->used - at, &reply);
    if (size < 0) fail(0, "what the server sent is no reply");
    if (size == 0) break;
    at += (size_t)size;
    if (!reply.answers) continue;
    count_reply(worker, link, &reply, instant);
    replies++;
  }
  link->used -= at;
  if (link->used) memmove(link->input, link->input + at, link->used);
  if (worker->period) replies = 0;
  if (replies || link->session.due_count) ask(worker, link, replies, 0);
}

/// Sends what is due, and tells how long nothing will be.
static uint64_t keep_pace(struct worker *worker) {
  uint64_t instant = now(), wait = wait_nanoseconds;
  for (unsigned index = 0; index < worker->link_count; index++) {
    struct link *link = &worker->links[index];
    if (link->in_flight) continue;
    while (options.skip_late && link->due + worker->period <= instant) link->due += worker->period;
    if (link->due <= instant) {
      ask(worker, link, 1, link->due);
      link->due += worker->period;
    } else if (link->due - instant < wait) {
      wait = link->due - instant;
    }
  }
  return wait;
}

static void *work(void *argument) {
  struct worker *worker = argument;
  for (unsigned index = 0; index < worker->link_count && !worker->period; index++)
    ask(worker, &worker->links[index], options.in_flight, 0);
  while (!worker->is_over) {
    struct epoll_event ready[64];
    struct timespec wait = {.tv_nsec = (long)(worker->period ? keep_pace(worker) : wait_nanoseconds)};
    int count = epoll_pwait2(worker->epoll, ready, 64, &wait, NULL);
    if (count <= 0) look_at(worker, now());
    for (int index = 0; index < count && !worker->is_over; index++) receive(worker, ready[index].data.ptr);
  }
  return NULL;
}

// Workers.

static void open_links(struct worker *worker) {
  uint32_t ring = 1024;
  while (ring < 4 * options.in_flight) ring *= 2;
  worker->ring_mask = ring - 1;
  worker->epoll = epoll_create1(EPOLL_CLOEXEC);
  worker->output = malloc(options.in_flight * requests.largest + sizeof worker->links->session.due);
  worker->links = calloc(worker->link_count, sizeof *worker->links);
  if (worker->epoll < 0 || !worker->output || !worker->links) fail(errno, "a worker");
  for (unsigned index = 0; index < worker->link_count; index++) {
    struct link *link = &worker->links[index];
    link->fd = connect_to(options.socket);
    link->input = malloc(input_size);
    link->sent = calloc(ring, sizeof *link->sent);
    if (options.protocol->begin) options.protocol->begin(&link->session);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = link};
    if (!link->input || !link->sent || epoll_ctl(worker->epoll, EPOLL_CTL_ADD, link->fd, &event) < 0)
      fail(errno, "a connection");
  }
}

static struct worker *make_workers(void) {
  struct worker *workers = calloc(options.threads, sizeof *workers);
  if (!workers) fail(ENOMEM, "workers");
  for (unsigned index = 0; index < options.threads; index++) {
    struct worker *worker = &workers[index];
    worker->index = index;
    worker->link_count = (options.connections + options.threads - 1 - index) / options.threads;
    worker->cursor = requests.count * index / options.threads;
    worker->limit = requests.count * (index + 1) / options.threads;
    open_links(worker);
  }
  return workers;
}

static void start(struct worker *workers) {
  uint64_t instant = now();
  begin = instant + (uint64_t)(options.warm_up * 1e9);
  end = begin + (uint64_t)(options.seconds * 1e9);
  unsigned number = 0;
  for (unsigned index = 0; index < options.threads; index++) {
    struct worker *worker = &workers[index];
    if (options.rate > 0) {
      worker->period = (uint64_t)(options.connections * 1e9 / options.rate);
      for (unsigned link = 0; link < worker->link_count; link++)
        worker->links[link].due = instant + worker->period * number++ / options.connections;
    }
    int code = pthread_create(&worker->thread, NULL, work, worker);
    if (code) fail(code, "a thread");
  }
}

/// Writes what came of it.
/// - Returns: whether every reply was right.
static int report(struct worker *workers) {
  uint64_t replies = 0, answers = 0, wrong = 0, bytes = 0;
  double rate = 0;
  struct histogram *latency = calloc(1, sizeof *latency);
  if (!latency) fail(ENOMEM, "a histogram");
  for (unsigned index = 0; index < options.threads; index++) {
    struct worker *worker = &workers[index];
    replies += worker->replies, answers += worker->answers, wrong += worker->wrong, bytes += worker->bytes_received;
    rate += (double)worker->answers / ((double)(worker->to - worker->from) / 1e9);
    merge(latency, &worker->latency);
  }
  if (!replies) fail(0, "no reply came");
  printf("{\"protocol\":\"%s\",\"connections\":%u,\"in_flight\":%u,\"threads\":%u,\"hot\":%zu,\"seconds\":%.3f,",
         options.protocol->name, options.connections, options.in_flight, options.threads, options.hot,
         (double)(workers->to - workers->from) / 1e9);
  printf("\"replies\":%" PRIu64 ",\"answers\":%" PRIu64 ",\"wrong\":%" PRIu64 ",\"per_second\":%.1f,", replies, answers,
         wrong, rate);
  printf("\"request_bytes\":%.1f,\"reply_bytes\":%.1f,",
         (double)requests.offsets[requests.count] / (double)requests.count, (double)bytes / (double)replies);
  if (options.pid) printf("\"server_cpu_ns\":%.1f,", (double)(last.server - first.server) / (double)answers);
  printf("\"load_cpu_ns\":%.1f,", (double)(last.own - first.own) / (double)answers);
  print_quantiles(latency, stdout);
  if (options.buckets) {
    putchar(',');
    print_buckets(latency, stdout);
  }
  puts("}");
  free(latency);
  if (wrong) fprintf(stderr, "load: %" PRIu64 " of %" PRIu64 " replies were not what they should be\n", wrong, replies);
  return wrong == 0;
}

// The command line.

static double number_of(const char *text, double least, double most) {
  char *rest;
  double value = strtod(text, &rest);
  if (*rest || rest == text || !(value >= least && value <= most))
    fail(0, "%s: give a number from %g to %g", text, least, most);
  return value;
}

static void parse(int count, char **arguments) {
  static const struct option known[] = {
      {"protocol", 1, 0, 'p'}, {"socket", 1, 0, 's'},   {"keys", 1, 0, 'k'},     {"connections", 1, 0, 'c'},
      {"in-flight", 1, 0, 'd'}, {"threads", 1, 0, 't'}, {"seconds", 1, 0, 'S'},  {"warm-up", 1, 0, 'w'},
      {"pid", 1, 0, 'P'},      {"hot", 1, 0, 'h'},      {"rate", 1, 0, 'r'},     {"requests", 1, 0, 'n'},
      {"prefix", 1, 0, 'x'},   {"buckets", 0, 0, 'b'},  {"skip-late", 0, 0, 'l'},
      {"tell-start", 0, 0, 'T'}, {"first", 0, 0, 'f'},  {"redis-commands", 1, 0, 'R'}, {0},
  };
  for (int option; (option = getopt_long(count, arguments, "", known, NULL)) != -1;) {
    switch (option) {
      case 'p': options.protocol = find_protocol(optarg); break;
      case 's': options.socket = optarg; break;
      case 'k': options.keys = optarg; break;
      case 'c': options.connections = (unsigned)number_of(optarg, 1, 4000); break;
      case 'd': options.in_flight = (unsigned)number_of(optarg, 1, max_in_flight); break;
      case 't': options.threads = (unsigned)number_of(optarg, 1, 64); break;
      case 'S': options.seconds = number_of(optarg, .01, 3600); break;
      case 'w': options.warm_up = number_of(optarg, 0, 600); break;
      case 'P': options.pid = (pid_t)number_of(optarg, 1, 1 << 22); break;
      case 'h': options.hot = (size_t)number_of(optarg, 1, 1e8); break;
      case 'r': options.rate = number_of(optarg, .1, 1e7); break;
      case 'n': options.requests = (size_t)number_of(optarg, 1, 1e8); break;
      case 'x': options.prefix = optarg; break;
      case 'b': options.buckets = 1; break;
      case 'T': options.tell_start = 1; break;
      case 'l': options.skip_late = 1; break;
      case 'f': options.first = 1; break;
      case 'R': options.redis_reply = (size_t)number_of(optarg, 1, 1000); break;
      default: exit(64);
    }
  }
  int is_complete = options.keys && (options.redis_reply || (options.protocol && options.socket));
  if (optind != count || !is_complete) {
    fputs(usage, stderr);
    list_protocols();
    exit(64);
  }
  if (options.threads > options.connections) fail(0, "more threads than connections");
  if (options.rate > 0 && options.in_flight != 1) fail(0, "--rate goes with 1 request in flight");
  if (options.first && options.rate == 0) fail(0, "--first goes with --rate: at full speed nobody else would run");
}

int main(int count, char **arguments) {
  parse(count, arguments);
  struct keys keys = read_keys(options.keys);
  if (options.redis_reply) {
    print_redis_commands(keys, options.redis_reply);
    return 0;
  }
  prepare(keys);
  int code = options.pid ? clock_getcpuclockid(options.pid, &server_clock) : 0;
  if (code) fail(code, "no process %d", options.pid);
  struct sigaction action = {.sa_handler = stop};
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  struct sched_param priority = {.sched_priority = 1};
  if (options.first && sched_setscheduler(0, SCHED_FIFO, &priority) < 0 && errno != EPERM) fail(errno, "SCHED_FIFO");
  struct worker *workers = make_workers();
  start(workers);
  for (unsigned index = 0; index < options.threads; index++) pthread_join(workers[index].thread, NULL);
  return report(workers) ? 0 : 1;
}
