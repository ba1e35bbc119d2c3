/*
 * Bytes of the door, for both ends: all of a message or nothing.
 */
#include "tunnel/door_priv.h"

#include "base/assert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

bool pt_door_write_all(int fd, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        at += put;
        size -= (size_t)put;
    }
    return true;
}

bool pt_door_read_all(int fd, void *data, size_t size)
{
    uint8_t *at = data;
    while (size > 0) {
        ssize_t got = recv(fd, at, size, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        size -= (size_t)got;
    }
    return true;
}

bool pt_door_send_message(int fd, enum pt_door_kind kind, const struct pt_buf *body)
{
    const struct pt_door_header header = {
        .size = (uint32_t)body->size, .kind = (uint32_t)kind, .version = PT_DOOR_VERSION};
    return pt_door_write_all(fd, &header, sizeof(header)) &&
           (body->size == 0 || pt_door_write_all(fd, body->data, body->size));
}

bool pt_door_address(const char *path, struct sockaddr_un *ret_address)
{
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    return (size_t)snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s", path) <
           sizeof(ret_address->sun_path);
}

/* Copy `len` items out of the body, aligned; NULL when it is too short. */
void *pt_door_take_items(struct pt_bytes *body, uint32_t len, size_t size)
{
    if (len > body->size / size) {
        return NULL;
    }
    void *items = calloc(len + 1, size);
    pt_assert(items != NULL);
    memcpy(items, body->data, len * size);
    body->data += len * size;
    body->size -= len * size;
    return items;
}

void pt_door_program_of(const char *path, struct pt_door_program *ret_program)
{
    struct stat file;
    *ret_program = (struct pt_door_program){0};
    if (stat(path != NULL ? path : "/proc/self/exe", &file) == 0) {
        *ret_program = (struct pt_door_program){.device = file.st_dev,
                                                .inode = file.st_ino,
                                                .size = (uint64_t)file.st_size,
                                                .mtime_ns = (uint64_t)file.st_mtim.tv_sec * 1000000000 +
                                                            (uint64_t)file.st_mtim.tv_nsec};
    }
}

bool pt_door_is_own_user(int fd)
{
    struct ucred other;
    socklen_t size = sizeof(other);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &other, &size) == 0 && other.uid == geteuid();
}
