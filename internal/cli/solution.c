#include "cli/solution.h"

static void join(struct pt_msg *whole, const struct pt_msg *part, const char *name, struct pt_arena *arena)
{
    const struct pt_msg_field *field = pt_msg_field(part, name);
    for (size_t i = 0; field != NULL && i < field->len; i++) {
        pt_msg_append(whole, arena, name, field->values[i]);
    }
}

void pt_cli_solution_join(struct pt_msg *whole, const struct pt_msg *part, struct pt_arena *arena)
{
    join(whole, part, "links", arena);
    join(whole, part, "pairs", arena);
}
