/* The limit: a FastAGI server that reads the environment, sets the result variables, and closes.
 *
 *     null PORT          as above: one command, its reply
 *     null PORT silent   reads the environment and closes: what not even an answer costs
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 65536, HEADER = 16384, EVENTS = 256 };

static const char answer[] =
    "EXEC \"MSet\" \"INFORMATIVA_RECORD=1,"
    "INFORMATIVA_REASON=already-informed,INFORMATIVA_STATUS=NOTDUE\"\n";

static struct { char *text; size_t length; int answered; } calls[MOST]; /* by descriptor */

static void forget(int fd) {
    free(calls[fd].text);
    memset(&calls[fd], 0, sizeof calls[fd]);
    close(fd);
}

static void take(int fd, int silent) {
    char reply[512];
    if (calls[fd].answered) { /* Asterisk's reply to the one command, or its end */
        if (read(fd, reply, sizeof reply) >= 0) forget(fd);
        return;
    }
    ssize_t got = read(fd, calls[fd].text + calls[fd].length, HEADER - calls[fd].length);
    if (got <= 0) { forget(fd); return; }
    calls[fd].length += got;
    if (!memmem(calls[fd].text, calls[fd].length, "\n\n", 2)) return;
    if (silent || write(fd, answer, sizeof answer - 1) < 0) forget(fd);
    else calls[fd].answered = 1;
}

int main(int count, char **arguments) {
    if (count < 2) return 2;
    int silent = count > 2, one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1024)) return 1;
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int number = epoll_wait(poll, ready, EVENTS, -1);
        for (int i = 0; i < number; i++) {
            int fd = ready[i].data.fd;
            if (fd != listener) { take(fd, silent); continue; }
            if ((fd = accept(listener, NULL, NULL)) < 0) continue;
            if (fd >= MOST || !(calls[fd].text = malloc(HEADER))) { close(fd); continue; }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            event.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        }
    }
}
