/*
 * Where a controller's seal key comes from. A file is ours: init and join write it. A variable or a command (a vault's
 * client, an HSM's tool) is somebody else's: it is only read, each time the node starts, and the key stands in memory
 * alone.
 *
 * Output of a command is bounded, its failure is an error, and neither it nor a variable's value is ever shown.
 */
#include "node/files.h"

#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define ENVIRONMENT "env:"
#define COMMAND "cmd:"
#define FILE_SIZE_MAX 65536
#define OUTPUT_SIZE_MAX 256

bool pt_node_seal_key_is_file(const char *path)
{
    return strncmp(path, ENVIRONMENT, strlen(ENVIRONMENT)) != 0 && strncmp(path, COMMAND, strlen(COMMAND)) != 0;
}

/* 32 bytes as they are, or 64 hexadecimal digits with or without an end of line. */
static enum pt_code key_parse(const uint8_t *data, size_t size, const char *place, uint8_t ret_key[PT_SEAL_KEY_SIZE],
                              struct pt_error *reterr)
{
    char hex[65] = "";
    struct pt_digest key;
    if (size == PT_SEAL_KEY_SIZE) {
        memcpy(ret_key, data, PT_SEAL_KEY_SIZE);
        return PT_OK;
    }
    size_t digits = size;
    while (digits > 0 && (data[digits - 1] == '\n' || data[digits - 1] == '\r')) {
        digits--;
    }
    if (digits == 64) {
        memcpy(hex, data, 64);
    }
    _Static_assert(PT_SEAL_KEY_SIZE == PT_DIGEST_SIZE, "both are 32 bytes");
    bool good = digits == 64 && strlen(hex) == 64 && pt_digest_from_hex(hex, &key, NULL) == PT_OK;
    if (good) {
        memcpy(ret_key, key.bytes, PT_SEAL_KEY_SIZE);
    }
    pt_memory_clear(hex, sizeof(hex));
    pt_memory_clear(&key, sizeof(key));
    return good ? PT_OK
                : pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                          "a seal key is %d bytes, or 64 hexadecimal digits; this has %zu bytes", PT_SEAL_KEY_SIZE,
                          size);
}

static enum pt_code key_of_environment(const char *place, uint8_t ret_key[PT_SEAL_KEY_SIZE], struct pt_error *reterr)
{
    const char *value = getenv(place + strlen(ENVIRONMENT));
    if (value == NULL) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, place,
                       "the variable is not set; it holds the seal key as 64 hexadecimal digits");
    }
    return key_parse((const uint8_t *)value, strlen(value), place, ret_key, reterr);
}

static enum pt_code key_of_command(const char *place, uint8_t ret_key[PT_SEAL_KEY_SIZE], struct pt_error *reterr)
{
    uint8_t output[OUTPUT_SIZE_MAX];
    FILE *pipe = popen(place + strlen(COMMAND), "re");
    if (pipe == NULL) {
        return pt_fail(reterr, PT_IO, PT_REASON_NONE, place, "the command cannot be started");
    }
    size_t size = fread(output, 1, sizeof(output), pipe);
    int status = pclose(pipe);
    enum pt_code code = PT_OK;
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        code = pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, place, "the command failed with status %d",
                       status != -1 && WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    } else {
        code = key_parse(output, size, place, ret_key, reterr);
    }
    pt_memory_clear(output, sizeof(output));
    return code;
}

enum pt_code pt_node_seal_key_load(struct pt_sys *sys, const char *path, uint8_t ret_key[PT_SEAL_KEY_SIZE],
                                   struct pt_error *reterr)
{
    if (strncmp(path, ENVIRONMENT, strlen(ENVIRONMENT)) == 0) {
        return key_of_environment(path, ret_key, reterr);
    }
    if (strncmp(path, COMMAND, strlen(COMMAND)) == 0) {
        return key_of_command(path, ret_key, reterr);
    }
    PT_AUTO(secret) struct pt_buf data = {0};
    enum pt_code code = pt_path_read(sys, path, FILE_SIZE_MAX, &data, reterr);
    if (code != PT_OK) {
        return pt_wrap(reterr, code, "the seal key cannot be read; name its file with --seal-key");
    }
    return key_parse(data.data, data.size, path, ret_key, reterr);
}

enum pt_code pt_node_seal_key_create(struct pt_sys *sys, const char *path, const uint8_t key[PT_SEAL_KEY_SIZE],
                                     struct pt_error *reterr)
{
    bool file = pt_node_seal_key_is_file(path);
    if (file && !pt_path_exists(sys, path)) {
        return pt_path_write(sys, path, key, PT_SEAL_KEY_SIZE, reterr);
    }
    uint8_t old[PT_SEAL_KEY_SIZE];
    PT_TRY(pt_node_seal_key_load(sys, path, old, reterr));
    bool same = pt_memory_equal(old, key, sizeof(old));
    pt_memory_clear(old, sizeof(old));
    if (same) {
        return PT_OK;
    }
    return file ? pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, path,
                          "the file holds the seal key of another cluster; name another one with --seal-key")
                : pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, path,
                          "this is not the seal key of the cluster; all controllers of a cluster have the same");
}
