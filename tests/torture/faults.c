/* The machine below a service, at a test's command: LD_PRELOAD this, with FAULTS naming a file of three
 * 64-bit numbers that the test writes while the service runs, and UNDER the folder whose files are meant.
 *
 *   error     errno of all that would change a file or make it durable; 0 for none
 *   clock     seconds by which the time of day is wrong
 *   unsynced  (written here) writes to write-ahead logs since the last one was synced
 *
 * Everything goes to the kernel by syscall(2), so nothing has to be looked up in the real libc. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static struct { volatile int64_t error, clock, unsynced; } none, *faults = (void *)&none;
static const char *under = "/nowhere";

__attribute__((constructor)) static void begin(void) {
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("FAULTS"), O_RDWR);
    if (fd < 0)
        return;
    faults = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    under = getenv("UNDER");
    close(fd);
}

/* Whether a descriptor is of a file there whose name ends so. */
static int is_there(int fd, const char *ending) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return 0;
    path[length] = 0;
    size_t end = strlen(ending);
    return !strncmp(path, under, strlen(under)) && (size_t)length >= end && !strcmp(path + length - end, ending);
}

static int fails(int fd) {
    if (!faults->error || !is_there(fd, ""))
        return 0;
    errno = faults->error;
    return 1;
}

static ssize_t written(int fd, const void *data, size_t size, off_t at) {
    if (fails(fd))
        return -1;
    if (is_there(fd, "-wal"))
        __sync_fetch_and_add(&faults->unsynced, 1);
    return syscall(SYS_pwrite64, fd, data, size, at);
}

static int synced(int fd, long call) {
    if (fails(fd))
        return -1;
    int done = syscall(call, fd);
    if (!done && is_there(fd, "-wal"))
        faults->unsynced = 0;
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return written(fd, data, size, at); }
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
int ftruncate(int fd, off_t size) { return fails(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { return fails(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, size); }

int clock_gettime(clockid_t id, struct timespec *now) {
    int done = syscall(SYS_clock_gettime, id, now);
    if (!done && id == CLOCK_REALTIME)
        now->tv_sec += faults->clock;
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *now) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (now)
        *now = exact.tv_sec;
    return exact.tv_sec;
}
