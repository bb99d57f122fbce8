/* A FastAGI server that does the same durable work as informativa in the least code: for each call one look-up
 * of the caller, one record, a commit that is on the disk before Asterisk is told. Calls whose environments are
 * there when it begins share a commit.
 *
 *     durable PORT LEDGER LOOK-UP INSERT [INSERT ...]
 *
 * The statements come from who knows the tables. The look-up's first column is what the record rests on; they
 * take :who, :at, :call, :linked, :basis, and :record, the number that the insert before them gave. A caller's
 * number stands for a pseudonym, which would take another microsecond.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 65536, HEADER = 16384, EVENTS = 256, INSERTS = 8, PSEUDONYM = 32 };

static const char known[] =
    "EXEC \"MSet\" \"INFORMATIVA_RECORD=%lld,"
    "INFORMATIVA_REASON=already-informed,INFORMATIVA_STATUS=NOTDUE\"\n";

static struct { char *text; size_t length; sqlite3_int64 record; int whole, gone; } calls[MOST]; /* by descriptor */
static sqlite3 *ledger;
static sqlite3_stmt *look_up, *inserts[INSERTS], *begin, *commit;

static void must(int good, const char *what) {
    if (good) return;
    fprintf(stderr, "durable: %s: %s\n", what, ledger ? sqlite3_errmsg(ledger) : "");
    exit(1);
}

static sqlite3_stmt *prepared(const char *sql) {
    sqlite3_stmt *statement;
    must(sqlite3_prepare_v3(ledger, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) == SQLITE_OK, sql);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    must(sqlite3_step(statement) == SQLITE_DONE, sqlite3_sql(statement));
    sqlite3_reset(statement);
}

static void forget(int fd) {
    free(calls[fd].text);
    memset(&calls[fd], 0, sizeof calls[fd]);
    close(fd);
}

/* A copy of what a variable of the environment holds; empty without it. */
static char *value(char *text, const char *name) {
    char *found = strstr(text, name);
    if (!found) return strdup("");
    found += strlen(name);
    return strndup(found, strcspn(found, "\n"));
}

static void bind_text(sqlite3_stmt *statement, const char *name, const char *text) {
    int at = sqlite3_bind_parameter_index(statement, name);
    if (at) sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_number(sqlite3_stmt *statement, const char *name, sqlite3_int64 number) {
    int at = sqlite3_bind_parameter_index(statement, name);
    if (at) sqlite3_bind_int64(statement, at, number);
}

static void bind_who(sqlite3_stmt *statement, const char *who) {
    int at = sqlite3_bind_parameter_index(statement, ":who");
    if (at) sqlite3_bind_blob(statement, at, who, PSEUDONYM, SQLITE_TRANSIENT);
}

/* Whether the caller was known; then he is on record, in the transaction that is open. */
static int record(int fd) {
    char *text = calls[fd].text, who[PSEUDONYM] = {0};
    char *number = value(text, "\nagi_callerid: "), *call = value(text, "\nagi_uniqueid: ");
    char *linked = value(text, ": linked=");
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    strncpy(who, number, sizeof who);
    bind_who(look_up, who);
    if (sqlite3_step(look_up) != SQLITE_ROW) { sqlite3_reset(look_up); return 0; }
    sqlite3_int64 basis = sqlite3_column_int64(look_up, 0);
    sqlite3_reset(look_up);
    for (int i = 0; inserts[i]; i++) {
        bind_who(inserts[i], who);
        bind_text(inserts[i], ":call", call);
        bind_text(inserts[i], ":linked", linked);
        bind_number(inserts[i], ":at", at.tv_sec * 1000000LL + at.tv_nsec / 1000);
        bind_number(inserts[i], ":basis", basis);
        bind_number(inserts[i], ":record", calls[fd].record);
        run(inserts[i]);
        if (i == 0) calls[fd].record = sqlite3_last_insert_rowid(ledger);
    }
    free(number);
    free(call);
    free(linked);
    return 1;
}

/* Whether the environment is whole now. Who leaves before his answer is forgotten when it is due. */
static int take(int fd) {
    char reply[512];
    if (calls[fd].record) { forget(fd); return 0; } /* after Asterisk's reply to the one command, or at its end */
    if (calls[fd].whole) { calls[fd].gone = read(fd, reply, sizeof reply) <= 0; return 0; }
    ssize_t got = read(fd, calls[fd].text + calls[fd].length, HEADER - 1 - calls[fd].length);
    if (got <= 0) { forget(fd); return 0; }
    calls[fd].length += got;
    calls[fd].text[calls[fd].length] = 0;
    return calls[fd].whole = strstr(calls[fd].text, "\n\n") != NULL;
}

static void answer(int fd) {
    char text[512];
    int length = snprintf(text, sizeof text, known, (long long)calls[fd].record);
    if (!calls[fd].record || calls[fd].gone || write(fd, text, length) != length) forget(fd);
}

static void group(const int *whole, int count) {
    if (!count) return;
    run(begin);
    for (int i = 0; i < count; i++) record(whole[i]);
    run(commit);
    for (int i = 0; i < count; i++) answer(whole[i]);
}

static void accept_all(int listener, int poll) {
    int one = 1, fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.fd = fd};
        if (fd >= MOST || !(calls[fd].text = malloc(HEADER))) { close(fd); continue; }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
}

int main(int count, char **arguments) {
    if (count < 5 || count > 4 + INSERTS) return 2;
    must(sqlite3_open(arguments[2], &ledger) == SQLITE_OK, arguments[2]);
    must(sqlite3_exec(ledger, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL", 0, 0, 0) == SQLITE_OK, "pragma");
    look_up = prepared(arguments[3]);
    for (int i = 4; i < count; i++) inserts[i - 4] = prepared(arguments[i]);
    begin = prepared("BEGIN IMMEDIATE");
    commit = prepared("COMMIT");

    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), poll = epoll_create1(0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    must(!bind(listener, (void *)&address, sizeof address) && !listen(listener, 1024), "listen");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) { /* while there is something to read, it is read; then comes the commit for all of it */
        int whole[MOST], some = 0, number = epoll_wait(poll, ready, EVENTS, -1);
        for (; number > 0; number = epoll_wait(poll, ready, EVENTS, 0))
            for (int i = 0; i < number; i++)
                if (ready[i].data.fd == listener) accept_all(listener, poll);
                else if (take(ready[i].data.fd)) whole[some++] = ready[i].data.fd;
        group(whole, some);
    }
}
