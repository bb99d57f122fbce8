/* Many Asterisks in one: makes calls to a FastAGI server, a fixed number of them in flight, or so many a second.
 *
 *     load PORT CALLS IN_FLIGHT CALLERS EXPECTED SCRIPT [RATE]
 *
 * Sends what Asterisk 22 sends for a call by one of CALLERS known numbers, answers every command with
 * `200 result=0`, and ends a call when the server closes. Prints one line of JSON: the seconds from the first
 * connection to the last close, in how many calls a command had EXPECTED in it, and percentiles of the time
 * of a call, and the slowest, in microseconds. With a rate that time counts from when the call was due, so that
 * what holds one up holds up those behind it too. Exits with 1 when a connection fails.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, EVENTS = 256 };

static const char environment[] =
    "agi_network: yes\nagi_network_script: %s\nagi_request: agi://127.0.0.1:%d/%s\n"
    "agi_channel: PJSIP/lab-%08lx\nagi_language: en\nagi_type: PJSIP\nagi_uniqueid: 1700000000.%ld\n"
    "agi_version: 22.10.1\nagi_callerid: +39333%07ld\nagi_calleridname: unknown\nagi_callingpres: 0\n"
    "agi_callingani2: 0\nagi_callington: 0\nagi_callingtns: 0\nagi_dnid: +390212345678\nagi_rdnis: unknown\n"
    "agi_context: informativa\nagi_extension: s\nagi_priority: 8\nagi_enhanced: 0.0\nagi_accountcode: \n"
    "agi_threadid: 139872340096704\nagi_arg_1: +390212345678\nagi_arg_2: linked=1700000000.%ld\n"
    "agi_arg_3: heard=\nagi_arg_4: language=\nagi_arg_5: customer=\nagi_arg_6: verification=\n"
    "agi_arg_7: country=\n\n";

static struct { double begun; int expected; } calls[MOST]; /* by descriptor */
static int port, poll;
static const char *script;
static long begun, done, expected, callers;
static double *times;

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

static void give_up(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void begin(double due) {
    char text[2048];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    long caller = begun % callers;
    int length = snprintf(text, sizeof text, environment, script, port, script, begun, begun, caller, begun);
    if (fd < 0 || fd >= MOST) give_up("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    calls[fd].begun = due;
    calls[fd].expected = 0;
    if (connect(fd, (void *)&address, sizeof address)) give_up("connect");
    if (write(fd, text, length) != length) give_up("write");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    begun++;
}

/* Whether the call is over. A server sends one command at a time, and our replies fit any buffer. */
static int take(int fd, const char *words) {
    char command[4096];
    ssize_t got = read(fd, command, sizeof command);
    if (got > 0) {
        if (memmem(command, got, words, strlen(words))) calls[fd].expected = 1;
        if (command[got - 1] == '\n' && write(fd, "200 result=0\n", 13) < 0) got = 0;
    }
    if (got > 0) return 0;
    expected += calls[fd].expected;
    times[done++] = now() - calls[fd].begun;
    close(fd);
    return 1;
}

/* Becomes readable whenever a call is due. */
static int ticker(double rate) {
    long each = 1e9 / rate;
    struct itimerspec every = {{each / 1000000000, each % 1000000000}, {each / 1000000000, each % 1000000000}};
    int fd = timerfd_create(CLOCK_MONOTONIC, 0);
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL)) give_up("timer");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    return fd;
}

/* Begins those that are due since the last look. */
static void begin_due(int fd, double start, double rate, long number) {
    uint64_t ticks = 0;
    if (read(fd, &ticks, sizeof ticks) != sizeof ticks) give_up("timer");
    for (; ticks && begun < number; ticks--) begin(start + (begun + 1) / rate);
}

static int by_size(const void *one, const void *other) {
    double a = *(const double *)one, b = *(const double *)other;
    return (a > b) - (a < b);
}

int main(int count, char **arguments) {
    if (count != 7 && count != 8) return 2;
    double rate = count == 8 ? atof(arguments[7]) : 0;
    long number = atol(arguments[2]), in_flight = atol(arguments[3]);
    port = atoi(arguments[1]);
    callers = atol(arguments[4]);
    script = arguments[6];
    times = calloc(number, sizeof *times);
    poll = epoll_create1(0);
    double start = now();
    int clock = rate > 0 ? ticker(rate) : -1;
    while (clock < 0 && begun < number && begun < in_flight) begin(now());
    while (done < number) {
        struct epoll_event ready[EVENTS];
        int some = epoll_wait(poll, ready, EVENTS, 10000);
        if (some == 0) { errno = ETIMEDOUT; give_up("no answer in ten seconds"); }
        for (int i = 0; i < some; i++)
            if (ready[i].data.fd == clock) begin_due(clock, start, rate, number);
            else if (take(ready[i].data.fd, arguments[5]) && clock < 0 && begun < number) begin(now());
    }
    double seconds = now() - start;
    qsort(times, number, sizeof *times, by_size);
    printf("{\"calls\": %ld, \"seconds\": %.6f, \"expected\": %ld, \"p50\": %.1f, \"p99\": %.1f, \"slowest\": %.1f}\n",
           done, seconds, expected, times[number / 2] * 1e6, times[number * 99 / 100] * 1e6, times[number - 1] * 1e6);
    return 0;
}
