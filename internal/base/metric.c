/*
 * Prometheus' text format: two comment lines a metric, then a line a value. In a label's value backslash, quote and
 * line feed are escaped; nothing else is special.
 */
#include "base/metric.h"

#include "base/assert.h"

#include <inttypes.h>
#include <stddef.h>

static const struct {
    const char *name, *type, *label, *help;
} registry[] = {
#define TYPE_GAUGE "gauge"
#define TYPE_COUNTER "counter"
#define PT_METRIC_ROW(id, name, type, label, help) {name, TYPE_##type, label, help},
    PT_METRICS(PT_METRIC_ROW)
#undef PT_METRIC_ROW
};

const char *pt_metric_name(enum pt_metric metric)
{
    pt_assert((size_t)metric < PT_METRICS_LEN);
    return registry[metric].name;
}

void pt_metric_head(struct pt_buf *out, enum pt_metric metric)
{
    pt_assert((size_t)metric < PT_METRICS_LEN);
    pt_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", registry[metric].name, registry[metric].help,
                  registry[metric].name, registry[metric].type);
}

static void put_name(struct pt_buf *out, enum pt_metric metric, const char *label)
{
    pt_assert((size_t)metric < PT_METRICS_LEN && (label != NULL) == (registry[metric].label[0] != '\0'));
    pt_buf_append_str(out, registry[metric].name);
    if (label == NULL) {
        return;
    }
    pt_buf_printf(out, "{%s=\"", registry[metric].label);
    for (; *label != '\0'; label++) {
        if (*label == '\n') {
            pt_buf_append_str(out, "\\n");
            continue;
        }
        if (*label == '\\' || *label == '"') {
            pt_buf_append_u8(out, '\\');
        }
        pt_buf_append_u8(out, (uint8_t)*label);
    }
    pt_buf_append_str(out, "\"}");
}

void pt_metric_value(struct pt_buf *out, enum pt_metric metric, const char *label, uint64_t value)
{
    put_name(out, metric, label);
    pt_buf_printf(out, " %" PRIu64 "\n", value);
}

void pt_metric_seconds(struct pt_buf *out, enum pt_metric metric, const char *label, int64_t ms)
{
    put_name(out, metric, label);
    uint64_t size = ms < 0 ? (uint64_t)-ms : (uint64_t)ms;
    pt_buf_printf(out, " %s%" PRIu64 ".%03" PRIu64 "\n", ms < 0 ? "-" : "", size / 1000, size % 1000);
}
