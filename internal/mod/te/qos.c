/*
 * Shaping, from Link and QosProfile to a node: the profile is resolved here, so that a node knows percents and code
 * points and nothing of profiles.
 */
#include "mod/te/qos.h"

#include "mod/qos/qos.h"

void te_emit_qos(struct pt_plan_pass *pass, const struct te_link *link, Patronus__V1__LinkEntry *entry)
{
    const struct pt_msg *resource = pt_view_get(pass->view, link->name);
    const char *name = resource != NULL ? pt_msg_str(resource, "qos_profile") : "";
    const struct pt_msg *profile = name[0] != '\0' ? pt_view_get(pass->view, name) : NULL;
    struct qos_class classes[QOS_CLASSES];
    if (profile == NULL || pt_msg_u64(resource, "capacity_up_bps") < QOS_SHAPED_BPS_MIN) {
        return;
    }
    entry->rate_bps = pt_msg_u64(resource, "capacity_up_bps");
    entry->n_classes = qos_classes(profile, classes);
    entry->classes = pt_arena_array(pass->arena, entry->n_classes, sizeof(struct Patronus__V1__LinkClassEntry *));
    for (size_t i = 0; i < entry->n_classes; i++) {
        Patronus__V1__LinkClassEntry *class = PT_NEW(pass->arena, Patronus__V1__LinkClassEntry);
        patronus__v1__link_class_entry__init(class);
        class->traffic_class = classes[i].traffic_class;
        class->percent = classes[i].percent;
        class->queue_ms = classes[i].queue_ms;
        class->dscp_mask = classes[i].dscp_mask;
        class->dscp_out = classes[i].dscp_out;
        entry->classes[i] = class;
    }
}
