/* Faults of the machine, put before the C library of a process under test: a real clock that
 * is set, files that cannot be brought to the disk, and a disk that is full. A file of three
 * numbers says which are in force; the test writes it while the process runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_AHEAD_S, SYNCS_FAIL, DISK_IS_FULL, NUMBERS };

static const volatile int64_t *in_force(void) {
    static const int64_t none[NUMBERS];
    static const volatile int64_t *numbers;
    if (!numbers) {
        const char *path = getenv("TEST_FAULTS");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *at = fd < 0 ? MAP_FAILED : mmap(0, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
        if (fd >= 0) close(fd);
        numbers = at == MAP_FAILED ? none : at;
    }
    return numbers;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*next)(clockid_t, struct timespec *);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(id, now);
    if (!result && id == CLOCK_REALTIME) now->tv_sec += in_force()[CLOCK_AHEAD_S];
    return result;
}

static int sync_by(const char *name, int fd) {
    int (*next)(int);
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (in_force()[SYNCS_FAIL]) return errno = EIO, -1;
    return next(fd);
}

int fsync(int fd) { return sync_by("fsync", fd); }
int fdatasync(int fd) { return sync_by("fdatasync", fd); }

/* Whether writing up to `end` would need more room than the file has. */
static int lacks_room(int fd, off_t end) {
    struct stat file;
    if (fd <= 2 || !in_force()[DISK_IS_FULL] || fstat(fd, &file) || !S_ISREG(file.st_mode)) return 0;
    return end > file.st_size;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    static ssize_t (*next)(int, const void *, size_t);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "write");
    if (in_force()[DISK_IS_FULL]) {
        off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
        if (at >= 0 && lacks_room(fd, at + (off_t)count)) return errno = ENOSPC, -1;
    }
    return next(fd, bytes, count);
}

static ssize_t write_at(const char *name, int fd, const void *bytes, size_t count, off_t at) {
    ssize_t (*next)(int, const void *, size_t, off_t);
    *(void **)&next = dlsym(RTLD_NEXT, name);
    if (lacks_room(fd, at + (off_t)count)) return errno = ENOSPC, -1;
    return next(fd, bytes, count, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    return write_at("pwrite", fd, bytes, count, at);
}
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
    return write_at("pwrite64", fd, bytes, count, at);
}

int ftruncate(int fd, off_t size) {
    static int (*next)(int, off_t);
    if (!next) *(void **)&next = dlsym(RTLD_NEXT, "ftruncate");
    if (lacks_room(fd, size)) return errno = ENOSPC, -1;
    return next(fd, size);
}
