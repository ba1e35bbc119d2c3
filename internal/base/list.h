/*
 * Intrusive doubly linked list with a sentinel. Header only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pt_list {
    struct pt_list *next;
    struct pt_list *prev;
};

static inline void pt_list_init(struct pt_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool pt_list_empty(const struct pt_list *list)
{
    return list->next == list;
}

static inline void pt_list_push_back(struct pt_list *list, struct pt_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

static inline void pt_list_push_front(struct pt_list *list, struct pt_list *node)
{
    pt_list_push_back(list->next, node);
}

/* Remove; the node is then an empty list of its own, so that a second remove is harmless. */
static inline void pt_list_remove(struct pt_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    pt_list_init(node);
}

/* NULL when empty. */
static inline struct pt_list *pt_list_pop_front(struct pt_list *list)
{
    if (pt_list_empty(list)) {
        return NULL;
    }
    struct pt_list *node = list->next;
    pt_list_remove(node);
    return node;
}

#define PT_CONTAINER(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#define PT_LIST_FOREACH(node, list) for (struct pt_list *node = (list)->next; node != (list); node = node->next)

/* The node may be removed in the body. */
#define PT_LIST_FOREACH_SAFE(node, list)                                                 \
    for (struct pt_list *node = (list)->next, *node##_next = node->next; node != (list); \
         node = node##_next, node##_next = node->next)
