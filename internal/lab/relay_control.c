/*
 * Requests are parsed in two passes: the first applies the words to a copy, the second changes the shapers. So a wrong
 * last word changes nothing, as the header promises.
 */
#include "lab/relay_control.h"

#include "base/assert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define WORDS_MAX 16

static void reply_error(struct pt_buf *reply, const struct pt_error *error)
{
    pt_buf_printf(reply, "error %s", error->text);
}

/* Which of the two directions a word means, as a mask; 0 for another word. */
static unsigned directions_of(const char *word)
{
    if (strcmp(word, "both") == 0) {
        return 1U << PT_RELAY_UP | 1U << PT_RELAY_DOWN;
    }
    if (strcmp(word, "up") == 0) {
        return 1U << PT_RELAY_UP;
    }
    return strcmp(word, "down") == 0 ? 1U << PT_RELAY_DOWN : 0;
}

/* Apply the assignments to one shaper, or, with `apply` false, only see whether they could be. */
static enum pt_code change(struct pt_shaper *shaper, char *const *assignments, size_t len, bool apply,
                           struct pt_error *reterr)
{
    struct pt_lab_params params = shaper->params;
    for (size_t i = 0; i < len; i++) {
        PT_TRY(pt_lab_params_set(&params, assignments[i], reterr));
    }
    if (apply) {
        pt_shaper_change(shaper, &params);
    }
    return PT_OK;
}

/* Number of links matched. */
static enum pt_code change_matching(struct pt_relay_state *state, char *const *words, size_t words_len, bool apply,
                                    size_t *ret_len, struct pt_error *reterr)
{
    unsigned directions = directions_of(words[2]);
    size_t matched = 0;
    for (size_t i = 0; i < state->topology->links_len; i++) {
        if (!pt_lab_link_matches(state->topology, &state->topology->links[i], words[1])) {
            continue;
        }
        matched++;
        for (unsigned d = 0; d < 2; d++) {
            if ((directions & 1U << d) != 0) {
                PT_TRY(change(&state->shapers[2 * i + d], words + 3, words_len - 3, apply, reterr));
            }
        }
    }
    *ret_len = matched;
    return PT_OK;
}

static void control_set(struct pt_relay_state *state, char *const *words, size_t words_len, struct pt_buf *reply)
{
    struct pt_error error = {.code = PT_OK};
    size_t matched = 0;
    if (words_len < 4 || directions_of(words[2]) == 0) {
        pt_buf_append_str(reply, "error a set is: set LINK up|down|both KEY=VALUE...");
        return;
    }
    if (change_matching(state, words, words_len, false, &matched, &error) != PT_OK) {
        reply_error(reply, &error);
        return;
    }
    if (matched == 0) {
        pt_buf_printf(reply, "error there is no link '%.100s'; `patronusctl lab status` lists them", words[1]);
        return;
    }
    /* The same words on the same parameters: what passed once passes again. */
    pt_assert(change_matching(state, words, words_len, true, &matched, NULL) == PT_OK);
    pt_buf_printf(reply, "ok %zu", matched);
}

static void control_status(const struct pt_relay_state *state, struct pt_buf *reply)
{
    pt_buf_append_str(reply, "ok\n");
    for (size_t i = 0; i < 2 * state->topology->links_len; i++) {
        const struct pt_shaper *shaper = &state->shapers[i];
        char name[PT_LAB_LINK_NAME_SIZE];
        char params[PT_LAB_PARAMS_TEXT_SIZE];
        pt_buf_printf(reply, "%s\t%s\t%s\t", pt_lab_link_name(state->topology, &state->topology->links[i / 2], name),
                      i % 2 == PT_RELAY_UP ? "up" : "down", pt_lab_params_format(&shaper->params, params));
        pt_buf_printf(
            reply, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu32 " %" PRIu64 "\n",
            shaper->counters.frames, shaper->counters.bytes, shaper->counters.drops_cut, shaper->counters.drops_loss,
            shaper->counters.drops_tail, state->drops_send[i], shaper->len, shaper->counters.duplicates);
    }
}

void pt_relay_control(struct pt_relay_state *state, const char *request, struct pt_buf *reply)
{
    char text[PT_RELAY_REQUEST_SIZE_MAX + 1];
    char *words[WORDS_MAX];
    size_t len = 0;
    (void)snprintf(text, sizeof(text), "%s", request);
    char *rest = NULL;
    for (char *word = strtok_r(text, " \n", &rest); word != NULL && len < WORDS_MAX;
         word = strtok_r(NULL, " \n", &rest)) {
        words[len++] = word;
    }
    if (len >= 1 && strcmp(words[0], "set") == 0) {
        control_set(state, words, len, reply);
    } else if (len == 1 && strcmp(words[0], "status") == 0) {
        control_status(state, reply);
    } else {
        pt_buf_append_str(reply, "error a request is: status, or set LINK up|down|both KEY=VALUE...");
    }
}

static enum pt_code connect_relay(const char *socket_path, int *ret_fd, struct pt_error *reterr)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(socket_path) >= sizeof(address.sun_path)) {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, socket_path, "the path of the socket is too long");
    }
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        enum pt_code code = pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, socket_path,
                                    "the lab's relay does not answer (%s): is the lab up?", strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
        return code;
    }
    *ret_fd = fd;
    return PT_OK;
}

enum pt_code pt_relay_ask(const char *socket_path, const char *request, struct pt_buf *ret_reply,
                          struct pt_error *reterr)
{
    int fd = -1;
    PT_TRY(connect_relay(socket_path, &fd, reterr));
    struct timeval limit = {.tv_sec = 5};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)); /* without it we would wait longer, no more */
    struct pt_buf reply;
    pt_buf_init(&reply);
    uint8_t *room = pt_buf_reserve(&reply, PT_RELAY_REPLY_SIZE_MAX);
    ssize_t size = send(fd, request, strlen(request), MSG_NOSIGNAL);
    size = size < 0 ? size : recv(fd, room, PT_RELAY_REPLY_SIZE_MAX, 0);
    int number = errno;
    (void)close(fd);
    enum pt_code code = PT_OK;
    if (size < 2) {
        code = pt_fail(reterr, PT_UNAVAILABLE, PT_REASON_NONE, socket_path, "the lab's relay does not answer: %s",
                       size < 0 ? strerror(number) : "it closed the connection");
    } else if (memcmp(room, "ok", 2) != 0) {
        int skip = size > 6 ? 6 : 0; /* "error " */
        code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_NONE, NULL, "%.*s", (int)size - skip,
                       (const char *)room + skip);
    } else {
        pt_buf_append(ret_reply, room + 2, (size_t)size - 2);
    }
    pt_buf_fini(&reply);
    return code;
}
