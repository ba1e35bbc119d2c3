/*
 * The identity file is text so that an operator can read it; the parser is strict because a typo must not make another
 * node. Unknown keys are refused: a newer version's folder is not for an older binary.
 */
#include "node/files.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX 65536
#define PATH_SIZE 1024

static const char *path_of(const char *directory, const char *name, char path[PATH_SIZE])
{
    int len = snprintf(path, PATH_SIZE, "%s/%s", directory, name);
    pt_assert(len > 0 && len < PATH_SIZE);
    return path;
}

/* ---- the identity file ----------------------------------------------------------------------------------------------
 */

struct text_field {
    const char *key;
    size_t offset, size;
};

#define FIELD(member)                                                                                \
    {                                                                                                \
#member, offsetof(struct pt_node_files, member), sizeof(((struct pt_node_files *)0)->member) \
    }

static const struct text_field text_fields[] = {FIELD(cluster_id),  FIELD(role),       FIELD(node_id),
                                                FIELD(peer_listen), FIELD(api_listen), FIELD(agent_listen),
                                                FIELD(peer_address)};

#define TEXT_FIELDS_LEN (sizeof(text_fields) / sizeof(text_fields[0]))

static void write_identity(const struct pt_node_files *files, struct pt_buf *out)
{
    pt_buf_append_str(out, "# The identity of this node. Written by patronusd; do not edit while it runs.\n");
    for (size_t i = 0; i < TEXT_FIELDS_LEN; i++) {
        const char *value = (const char *)files + text_fields[i].offset;
        if (value[0] != '\0') {
            pt_buf_printf(out, "%s=%s\n", text_fields[i].key, value);
        }
    }
    pt_buf_printf(out, "raft_id=%" PRIu64 "\n", files->raft_id);
    if (files->epoch > 0) {
        pt_buf_printf(out, "epoch=%" PRIu64 "\n", files->epoch);
    }
    for (size_t i = 0; i < files->agent_addresses_len; i++) {
        pt_buf_printf(out, "agent_address=%s\n", files->agent_addresses[i]);
    }
    for (size_t i = 0; i < files->api_addresses_len; i++) {
        pt_buf_printf(out, "api_address=%s\n", files->api_addresses[i]);
    }
}

static bool set_text(char *to, size_t size, const char *value)
{
    size_t len = strlen(value);
    if (len >= size) {
        return false;
    }
    memcpy(to, value, len + 1);
    return true;
}

static bool set_value(struct pt_node_files *files, const char *key, const char *value)
{
    for (size_t i = 0; i < TEXT_FIELDS_LEN; i++) {
        if (strcmp(text_fields[i].key, key) == 0) {
            return set_text((char *)files + text_fields[i].offset, text_fields[i].size, value);
        }
    }
    if (strcmp(key, "raft_id") == 0 || strcmp(key, "epoch") == 0) {
        char *end = NULL;
        *(key[0] == 'r' ? &files->raft_id : &files->epoch) = strtoull(value, &end, 10);
        return value[0] >= '0' && value[0] <= '9' && *end == '\0';
    }
    if (strcmp(key, "agent_address") == 0) {
        return files->agent_addresses_len < PT_NODE_ADDRESSES_MAX &&
               set_text(files->agent_addresses[files->agent_addresses_len++], 80, value);
    }
    if (strcmp(key, "api_address") == 0) {
        return files->api_addresses_len < PT_NODE_ADDRESSES_MAX &&
               set_text(files->api_addresses[files->api_addresses_len++], 80, value);
    }
    return false;
}

static enum pt_code read_identity(const char *path, char *text, struct pt_node_files *files, struct pt_error *reterr)
{
    unsigned line_number = 0;
    char *rest = text;
    for (char *line = NULL; (line = strsep(&rest, "\n")) != NULL;) {
        line_number++;
        if (line[0] == '\0' || line[0] == '#') {
            continue;
        }
        char *equals = strchr(line, '=');
        if (equals != NULL) {
            *equals = '\0';
        }
        if (equals == NULL || !set_value(files, line, equals + 1)) {
            char place[PT_ERROR_FIELD_SIZE];
            (void)snprintf(place, sizeof(place), "%.150s:%u", path, line_number);
            return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, place,
                           "the line is not a known key=value; restore the file from a backup or join the node anew");
        }
    }
    if (files->cluster_id[0] == '\0' || files->role[0] == '\0' || files->node_id[0] == '\0') {
        return pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_REQUIRED, path,
                       "cluster_id, role and node_id are needed; restore the file from a backup or join the node anew");
    }
    return PT_OK;
}

/* ---- folders -------------------------------------------------------------------------------------------------- */

enum pt_code pt_node_load(struct pt_sys *sys, const char *directory, struct pt_node_files *ret_files,
                          struct pt_error *reterr)
{
    char path[PATH_SIZE];
    struct pt_node_files files = {.raft_id = 0};
    PT_AUTO(buf) struct pt_buf text = {0};
    PT_AUTO(buf) struct pt_buf bundle_key = {0};
    if (!pt_path_exists(sys, path_of(directory, "identity", path))) {
        return pt_fail(reterr, PT_NOT_FOUND, PT_REASON_NONE, directory,
                       "there is no node here; make one with: patronusd init, or patronusd join TOKEN");
    }
    enum pt_code code = pt_path_read(sys, path, FILE_SIZE_MAX, &text, reterr);
    if (code == PT_OK) {
        code = read_identity(path, (char *)text.data, &files, reterr);
    }
    const struct {
        const char *name;
        struct pt_buf *to;
    } parts[] = {{"key.pem", &files.key_pem},
                 {"cert.pem", &files.cert_pem},
                 {"ca.pem", &files.ca_pem},
                 {"bundle.pub", &bundle_key}};
    for (size_t i = 0; i < 4 && code == PT_OK; i++) {
        code = pt_path_read(sys, path_of(directory, parts[i].name, path), FILE_SIZE_MAX, parts[i].to, reterr);
    }
    if (code == PT_OK && bundle_key.size != sizeof(files.bundle_key)) {
        code = pt_fail(reterr, PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, path, "the bundle key must be 32 bytes");
    }
    if (code != PT_OK) {
        pt_node_files_fini(&files);
        return code;
    }
    memcpy(files.bundle_key, bundle_key.data, sizeof(files.bundle_key));
    *ret_files = files;
    return PT_OK;
}

enum pt_code pt_node_save_identity(struct pt_sys *sys, const char *directory, const struct pt_node_files *files,
                                   struct pt_error *reterr)
{
    char path[PATH_SIZE];
    PT_AUTO(buf) struct pt_buf text = {0};
    write_identity(files, &text);
    return pt_path_write(sys, path_of(directory, "identity", path), text.data, text.size, reterr);
}

enum pt_code pt_node_save_certificate(struct pt_sys *sys, const char *directory, const char *cert_pem,
                                      const char *ca_pem, struct pt_error *reterr)
{
    char path[PATH_SIZE];
    PT_TRY(pt_path_write(sys, path_of(directory, "cert.pem", path), cert_pem, strlen(cert_pem), reterr));
    return pt_path_write(sys, path_of(directory, "ca.pem", path), ca_pem, strlen(ca_pem), reterr);
}

enum pt_code pt_node_create(struct pt_sys *sys, const char *directory, const struct pt_node_files *files,
                            struct pt_error *reterr)
{
    char path[PATH_SIZE];
    PT_TRY(pt_dir_make(sys, directory, reterr));
    if (pt_path_exists(sys, path_of(directory, "identity", path))) {
        return pt_fail(reterr, PT_ALREADY_EXISTS, PT_REASON_RESOURCE_EXISTS, directory,
                       "the folder already holds a node; name another folder, or remove this one first");
    }
    const struct pt_buf *key = &files->key_pem;
    PT_TRY(pt_path_write(sys, path_of(directory, "key.pem", path), key->data, key->size, reterr));
    PT_TRY(pt_path_write(sys, path_of(directory, "bundle.pub", path), files->bundle_key, sizeof(files->bundle_key),
                         reterr));
    PT_TRY(pt_node_save_certificate(sys, directory, (const char *)files->cert_pem.data,
                                    (const char *)files->ca_pem.data, reterr));
    return pt_node_save_identity(sys, directory, files, reterr);
}

void pt_node_files_fini(struct pt_node_files *files)
{
    pt_auto_secret(&files->key_pem);
    pt_buf_fini(&files->cert_pem);
    pt_buf_fini(&files->ca_pem);
    *files = (struct pt_node_files){.raft_id = 0};
}

enum pt_code pt_node_lock(struct pt_sys *sys, const char *directory, struct pt_file **ret_lock, struct pt_error *reterr)
{
    char path[PATH_SIZE];
    struct pt_file *file = NULL;
    PT_TRY(pt_file_open(sys, path_of(directory, "lock", path), PT_OPEN_WRITE | PT_OPEN_CREATE, &file, reterr));
    enum pt_code code = pt_file_lock(file, reterr);
    if (code != PT_OK) {
        pt_file_close(file);
        return code == PT_FAILED_PRECONDITION
                   ? pt_fail(reterr, code, PT_REASON_CONFLICT, directory,
                             "another patronusd runs on this data folder; stop it, or name another folder with --data")
                   : code;
    }
    *ret_lock = file;
    return PT_OK;
}
