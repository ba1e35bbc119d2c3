/*
 * The model: what clients know of each key, and whether an answer can be true.
 *
 * Each write carries a value of its own and each change has a revision, the index of its log entry: so the order in
 * which writes took effect is known as soon as somebody is told a revision, and no search over orders is needed. The
 * rules, each of which follows from linearizability and from request ids:
 *
 *   - a write takes effect once: one value has one revision, one revision one value;
 *   - a refused write never shows;
 *   - an answer is never older than what anybody was told before the question was asked (the floor of the key);
 *   - a key is absent only if it was so at the floor, or some delete may have come behind it.
 */
#include "nodes.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_init(struct model *model, unsigned keys_len)
{
    *model = (struct model){.keys_len = keys_len};
    for (unsigned i = 0; i < keys_len; i++) {
        model->keys[i].floor.absent = true;
    }
}

void model_fini(struct model *model)
{
    free(model->writes);
    free(model->writers);
    free(model->marks);
    free(model->leaders);
}

char *model_value(size_t write, char text[24])
{
    (void)snprintf(text, 24, "w%zu", write);
    return text;
}

size_t model_write(struct world *world, unsigned key, bool deletes)
{
    struct model *model = &world->model;
    if (model->writes_len == model->writes_capacity) {
        model->writes_capacity = model->writes_capacity == 0 ? 4096 : model->writes_capacity * 2;
        model->writes = realloc(model->writes, model->writes_capacity * sizeof(*model->writes));
        pt_assert(model->writes != NULL);
    }
    model->writes[model->writes_len] = (struct write){.key = key, .deletes = deletes, .outcome = PENDING};
    model->keys[key].deletes_open += deletes ? 1 : 0;
    return model->writes_len++;
}

static void grow_writers(struct model *model, uint64_t revision)
{
    if (revision >= model->writers_len) {
        size_t len = ((size_t)revision + 1) * 2;
        model->writers = realloc(model->writers, len * sizeof(*model->writers));
        pt_assert(model->writers != NULL);
        memset(model->writers + model->writers_len, 0, (len - model->writers_len) * sizeof(*model->writers));
        model->writers_len = len;
    }
}

/* The write took effect at the revision, and somebody was told. */
static void settle(struct world *world, size_t index, uint64_t revision)
{
    struct model *model = &world->model;
    struct write *write = &model->writes[index];
    struct key *key = &model->keys[write->key];
    if (revision == 0 || revision > 10000000) {
        violate(world, "write %zu was answered with revision %" PRIu64, index, revision);
        return;
    }
    if (write->revision != 0 && write->revision != revision) {
        violate(world, "write %zu took effect twice: at %" PRIu64 " and at %" PRIu64, index, write->revision, revision);
        return;
    }
    grow_writers(model, revision);
    if (model->writers[revision] != 0 && model->writers[revision] != index + 1) {
        violate(world, "revision %" PRIu64 " is that of write %zu and of write %" PRIu64, revision, index,
                model->writers[revision] - 1);
        return;
    }
    if (write->outcome == REFUSED) {
        violate(world, "write %zu was refused but took effect at %" PRIu64, index, revision);
    }
    model->writers[revision] = index + 1;
    write->revision = revision;
    if (revision > key->floor.revision) {
        key->floor = (struct key_floor){.revision = revision, .absent = write->deletes};
    }
    if (write->deletes && revision > key->delete_revision_max) {
        key->delete_revision_max = revision;
    }
    model->revision_max = revision > model->revision_max ? revision : model->revision_max;
}

void model_write_acked(struct world *world, size_t index, uint64_t revision, const struct key_floor *before)
{
    struct write *write = &world->model.writes[index];
    settle(world, index, revision);
    if (revision <= before->revision) {
        violate(world, "write %zu was acknowledged at %" PRIu64 ", behind %" PRIu64 " which was known when it began",
                index, revision, before->revision);
    }
    if (write->deletes && write->outcome == PENDING) {
        world->model.keys[write->key].deletes_open--;
    }
    write->outcome = ACKED;
}

void model_write_over(struct world *world, size_t index, enum outcome outcome)
{
    struct write *write = &world->model.writes[index];
    if (outcome == REFUSED && write->revision != 0) {
        violate(world, "write %zu took effect at %" PRIu64 " but was refused", index, write->revision);
    }
    if (outcome == REFUSED && write->deletes) {
        world->model.keys[write->key].deletes_open--;
    }
    write->outcome = outcome;
}

void model_saw(struct world *world, unsigned key, const char *value, uint64_t revision, const struct key_floor *before)
{
    struct model *model = &world->model;
    char *end = NULL;
    size_t index = value[0] == 'w' ? strtoull(value + 1, &end, 10) : SIZE_MAX;
    if (end == NULL || *end != '\0' || index >= model->writes_len || model->writes[index].key != key ||
        model->writes[index].deletes) {
        violate(world, "key %u has a value that nobody wrote there: '%.40s'", key, value);
        return;
    }
    if (before != NULL && revision < before->revision) {
        violate(world, "key %u was read at %" PRIu64 " (write %zu) after %" PRIu64 " was known", key, revision, index,
                before->revision);
    }
    settle(world, index, revision);
}

void model_saw_nothing(struct world *world, unsigned index, const struct key_floor *before)
{
    const struct key *key = &world->model.keys[index];
    if (!before->absent && key->deletes_open == 0 && key->delete_revision_max <= before->revision) {
        violate(world, "key %u is absent, but %" PRIu64 " was known and nobody deleted it since", index,
                before->revision);
    }
}
