/*
 * A small heap of nodes, least first. Private to the folder. Keys are whole numbers; distances that are not go by their
 * bits, whose order is that of the numbers as long as none is negative.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct flow_heap {
    uint64_t key;
    uint32_t node;
};

static inline void flow_heap_push(struct flow_heap *heap, size_t *len, uint64_t key, uint32_t node)
{
    size_t at = (*len)++;
    while (at > 0 && key < heap[(at - 1) / 2].key) {
        heap[at] = heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap[at] = (struct flow_heap){.key = key, .node = node};
}

static inline struct flow_heap flow_heap_pop(struct flow_heap *heap, size_t *len)
{
    struct flow_heap least = heap[0];
    struct flow_heap last = heap[--*len];
    size_t at = 0;
    for (size_t child = 1; child < *len; child = 2 * at + 1) {
        if (child + 1 < *len && heap[child + 1].key < heap[child].key) {
            child++;
        }
        if (heap[child].key >= last.key) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return least;
}

static inline uint64_t flow_heap_key(double distance)
{
    uint64_t key = 0;
    memcpy(&key, &distance, sizeof(key));
    return key;
}

static inline double flow_heap_distance(uint64_t key)
{
    double distance = 0;
    memcpy(&distance, &key, sizeof(distance));
    return distance;
}
