/*
 * The topologies that come with the program. CMake embeds the files of topologies/ by the assembler (the same way as
 * the descriptor set), so that the binary needs no data folder.
 */
#include "lab/topology.h"

#include <string.h>

extern const char pt_lab_file_sites3[], pt_lab_file_sites3_end[];
extern const char pt_lab_file_b4[], pt_lab_file_b4_end[];

const char *pt_lab_topology_shipped(const char *name, size_t *ret_size)
{
    if (strcmp(name, "sites3") == 0) {
        *ret_size = (size_t)(pt_lab_file_sites3_end - pt_lab_file_sites3);
        return pt_lab_file_sites3;
    }
    if (strcmp(name, "b4") == 0) {
        *ret_size = (size_t)(pt_lab_file_b4_end - pt_lab_file_b4);
        return pt_lab_file_b4;
    }
    return NULL;
}
