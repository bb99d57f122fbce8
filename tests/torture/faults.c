/* The machine below a service, at a test's command: LD_PRELOAD this, with FAULTS naming a file of three
 * 64-bit numbers that the test writes while the service runs, and UNDER the folder whose files are meant.
 *
 *   error     errno of all that would change a file or make it durable; 0 for none
 *   clock     seconds by which the time of day is wrong
 *   unsynced  (written here) writes to write-ahead logs since the last one was synced
 *
 * With JOURNAL naming a file, all that is done to those files is written there, one after another: a struct
 * operation, the file's name without the folder, and the bytes.
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
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct { volatile int64_t error, clock, unsynced; } none, *faults = (void *)&none;
static const char *under = "/nowhere";
static int journal = -1;

struct operation { char kind, name, unused[6]; int64_t at, size; }; /* kind: w(rite), s(ync), t(runcate) */

__attribute__((constructor)) static void begin(void) {
    int fd = syscall(SYS_openat, AT_FDCWD, getenv("FAULTS"), O_RDWR);
    if (fd < 0)
        return;
    faults = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    under = getenv("UNDER");
    close(fd);
    if (getenv("JOURNAL"))
        journal = syscall(SYS_openat, AT_FDCWD, getenv("JOURNAL"), O_WRONLY | O_CREAT | O_APPEND, 0600);
}

/* The name of a file there, or NULL for one that is elsewhere. */
static const char *name_of(int fd) {
    static _Thread_local char path[4096];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0)
        return NULL;
    path[length] = 0;
    size_t folder = strlen(under);
    return !strncmp(path, under, folder) && path[folder] == '/' ? path + folder + 1 : NULL;
}

static int is_wal(const char *name) {
    size_t length = name ? strlen(name) : 0;
    return length > 4 && !strcmp(name + length - 4, "-wal");
}

static int fails(int fd) {
    if (!faults->error || !name_of(fd))
        return 0;
    errno = faults->error;
    return 1;
}

static void note(char kind, const char *name, const void *data, size_t size, off_t at) {
    if (journal < 0 || !name)
        return;
    struct operation it = {kind, strlen(name), "", at, size};
    struct iovec parts[] = {{&it, sizeof it}, {(void *)name, it.name}, {(void *)data, data ? size : 0}};
    writev(journal, parts, 3);
}

static ssize_t written(int fd, const void *data, size_t size, off_t at) {
    if (fails(fd))
        return -1;
    const char *name = name_of(fd);
    if (is_wal(name))
        __sync_fetch_and_add(&faults->unsynced, 1);
    ssize_t done = syscall(SYS_pwrite64, fd, data, size, at);
    if (done > 0)
        note('w', name, data, done, at);
    return done;
}

static int synced(int fd, long call) {
    if (fails(fd))
        return -1;
    int done = syscall(call, fd);
    const char *name = name_of(fd);
    if (!done)
        note('s', name, NULL, 0, 0);
    if (!done && is_wal(name))
        faults->unsynced = 0;
    return done;
}

static int truncated(int fd, off_t size) {
    if (fails(fd))
        return -1;
    int done = syscall(SYS_ftruncate, fd, size);
    if (!done)
        note('t', name_of(fd), NULL, size, 0);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return written(fd, data, size, at); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return written(fd, data, size, at); }
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }
int ftruncate(int fd, off_t size) { return truncated(fd, size); }
int ftruncate64(int fd, off64_t size) { return truncated(fd, size); }

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
