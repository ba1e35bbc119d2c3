/*
 * Comments of a .proto file: SourceCodeInfo holds, per element, its place as a path of field numbers and indexes in the
 * FileDescriptorProto (message 2, its field 0: 4,2,2,0) and the comment as written. They become the texts of `explain`,
 * of the Terraform schema and of the reference docs, so each paragraph is joined into one line.
 */
#include "wire/schema_internal.h"

#include <string.h>

/* A line break becomes a space, an empty line a line break; white space at both ends of a line goes. */
static char *join_lines(struct pt_arena *arena, const char *raw)
{
    char *text = pt_arena_alloc(arena, strlen(raw) + 1);
    size_t at = 0;
    bool paragraph_ends = false;
    for (const char *line = raw; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        const char *next = line[len] == '\n' ? line + len + 1 : line + len;
        while (len > 0 && (*line == ' ' || *line == '\t')) {
            line++;
            len--;
        }
        while (len > 0 && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r')) {
            len--;
        }
        if (len == 0) {
            paragraph_ends = true;
        } else {
            if (at > 0) {
                text[at++] = paragraph_ends ? '\n' : ' ';
            }
            memcpy(text + at, line, len);
            at += len;
            paragraph_ends = false;
        }
        line = next;
    }
    text[at] = '\0';
    return text;
}

void pt_comments_init(struct pt_comments *comments, struct pt_arena *arena,
                      const Google__Protobuf__FileDescriptorProto *file)
{
    pt_map_init(&comments->by_path);
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    for (size_t i = 0; info != NULL && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *location = info->location[i];
        if (location->leading_comments != NULL && location->n_path > 0) {
            (void)pt_map_put(&comments->by_path, location->path, location->n_path * sizeof(location->path[0]),
                             join_lines(arena, location->leading_comments));
        }
    }
}

void pt_comments_fini(struct pt_comments *comments)
{
    pt_map_fini(&comments->by_path);
}

const char *pt_comments_get(const struct pt_comments *comments, const int32_t *path, size_t len)
{
    const char *text = pt_map_get(&comments->by_path, path, len * sizeof(path[0]));
    return text != NULL ? text : "";
}
