/*
 * Loading the objects. Every map has a pin path before loading: libbpf takes what is pinned there over when its
 * layout is the same, and makes and pins it otherwise. So the other objects share the first's maps, and a restarted
 * agent its predecessor's.
 */
#include "agent/dp_bpf_kernel.h"
#include "base/assert.h"

#include "bpf/lan.skel.h"
#include "bpf/swift.skel.h"
#include "bpf/wan.skel.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_LOG_SIZE (1U << 20)

static enum pt_code set_pins(struct bpf_object *object, const char *directory, struct pt_error *reterr)
{
    struct bpf_map *map;
    bpf_object__for_each_map(map, object)
    {
        char path[PATH_MAX];
        if (bpf_map__is_internal(map)) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", directory, bpf_map__name(map));
        if (bpf_map__set_pin_path(map, path) != 0) {
            return pt_fail(reterr, PT_INTERNAL, PT_REASON_NONE, directory, "cannot name the pin of %s",
                           bpf_map__name(map));
        }
    }
    return PT_OK;
}

/* The last line of the verifier's log says why; before the statistics. */
static const char *last_word(char *log)
{
    char *end = strstr(log, "processed ");
    if (end != NULL && end > log) {
        end[-1] = '\0';
    }
    char *line = strrchr(log, '\n');
    return line == NULL ? log : line + 1;
}

static enum pt_code load(struct bpf_object *object, const char *what, const char *directory, char *log,
                         struct pt_error *reterr)
{
    PT_TRY(set_pins(object, directory, reterr));
    int error = -bpf_object__load(object);
    if (error == 0) {
        return PT_OK;
    }
    if (log[0] != '\0') {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_NONE, what,
                       "the kernel refuses the program: %.300s; please report it with the kernel's version",
                       last_word(log));
    }
    if (error == EINVAL || error == EEXIST) {
        return pt_fail(reterr, PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, what,
                       "what is pinned in %.100s has another layout; remove it with `patronusd detach`", directory);
    }
    return pt_fail_errno(reterr, error, what, "cannot load the program");
}

/* libbpf's own words go nowhere: what matters comes back as an error. It is libbpf's one process-wide setting. */
static int silent(enum libbpf_print_level level, const char *format, va_list arguments)
{
    (void)level, (void)format, (void)arguments;
    return 0;
}

void pt_dp_quiet(void)
{
    (void)libbpf_set_print(silent);
}

enum pt_code pt_dp_programs_load(struct pt_dp_programs *programs, const char *directory, struct pt_error *reterr)
{
    char *log = calloc(1, KERNEL_LOG_SIZE);
    LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log, .kernel_log_size = KERNEL_LOG_SIZE);
    pt_assert(log != NULL);
    pt_dp_quiet();
    *programs = (struct pt_dp_programs){.lan = -1, .tap = -1, .swift = -1, .wan = -1, .wan_tc = -1};
    programs->lan_object = pt_lan_bpf__open_opts(&options);
    programs->swift_object = pt_swift_bpf__open_opts(&options);
    programs->wan_object = pt_wan_bpf__open_opts(&options);
    enum pt_code code = PT_OK;
    if (programs->lan_object == NULL || programs->swift_object == NULL || programs->wan_object == NULL) {
        code = pt_fail_errno(reterr, errno, "bpf", "cannot open the programs in this binary");
    }
    if (code == PT_OK) {
        code = load(programs->lan_object->obj, "pt_lan", directory, log, reterr);
    }
    if (code == PT_OK) {
        log[0] = '\0';
        code = load(programs->swift_object->obj, "pt_swift", directory, log, reterr);
    }
    if (code == PT_OK) {
        log[0] = '\0';
        code = load(programs->wan_object->obj, "pt_wan", directory, log, reterr);
    }
    if (code == PT_OK) {
        programs->lan = bpf_program__fd(programs->lan_object->progs.pt_lan);
        programs->tap = bpf_program__fd(programs->lan_object->progs.pt_tap);
        programs->swift = bpf_program__fd(programs->swift_object->progs.pt_swift);
        programs->wan = bpf_program__fd(programs->wan_object->progs.pt_wan);
        programs->wan_tc = bpf_program__fd(programs->wan_object->progs.pt_wan_tc);
    } else {
        pt_dp_programs_fini(programs);
    }
    free(log);
    return code;
}

void pt_dp_programs_fini(struct pt_dp_programs *programs)
{
    pt_lan_bpf__destroy(programs->lan_object);
    pt_swift_bpf__destroy(programs->swift_object);
    pt_wan_bpf__destroy(programs->wan_object);
    *programs = (struct pt_dp_programs){.lan = -1, .tap = -1, .swift = -1, .wan = -1, .wan_tc = -1};
}

int pt_dp_programs_map(const struct pt_dp_programs *programs, const char *name)
{
    return bpf_object__find_map_fd_by_name(programs->lan_object->obj, name);
}
