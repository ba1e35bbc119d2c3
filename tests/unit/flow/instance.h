/*
 * Instances for tests and benchmarks: random graphs, gravity matrices by a rule like that of the shared generator,
 * files.
 */
#pragma once

#include "flow/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A file need not use them all. */
#define INSTANCE_FN __attribute__((unused)) static

struct instance_random {
    uint64_t state;
};

/* splitmix64: the same numbers everywhere. */
INSTANCE_FN uint64_t instance_bits(struct instance_random *random)
{
    uint64_t x = random->state += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

INSTANCE_FN double instance_uniform(struct instance_random *random)
{
    return ((double)(instance_bits(random) >> 11) + 0.5) / 9007199254740992.0;
}

INSTANCE_FN double instance_normal(struct instance_random *random)
{
    double u = instance_uniform(random);
    double v = instance_uniform(random);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

/* All ordered pairs, rate proportional to exp(N(0,1)) of both ends times exp(N(0,0.5)); total = load * capacities / 8.
 */
INSTANCE_FN size_t instance_gravity(const struct pt_flow_graph *graph, uint64_t seed, double load,
                                    struct pt_flow_demand **ret_demands)
{
    struct instance_random random = {.state = seed * 0x632be59bd9b4e019U};
    uint32_t n = pt_flow_nodes_len(graph);
    double *weight = calloc(n, sizeof(double));
    struct pt_flow_demand *demands = calloc((size_t)n * n + 1, sizeof(demands[0]));
    for (uint32_t i = 0; i < n; i++) {
        weight[i] = exp(instance_normal(&random));
    }
    double sum = 0;
    size_t len = 0;
    for (uint32_t s = 0; s < n; s++) {
        for (uint32_t t = 0; t < n; t++) {
            if (s != t) {
                double rate = weight[s] * weight[t] * exp(0.5 * instance_normal(&random));
                demands[len++] = (struct pt_flow_demand){.from = s, .to = t, .rate = rate};
                sum += rate;
            }
        }
    }
    double total = 0;
    for (uint32_t i = 0; i < pt_flow_links_len(graph); i++) {
        total += pt_flow_link_at(graph, i)->capacity;
    }
    for (size_t i = 0; i < len; i++) {
        demands[i].rate *= total * load / 8 / sum;
    }
    free(weight);
    *ret_demands = demands;
    return len;
}

/* A ring (so that it is connected), and chords; both ways of a cable alike; capacities 1, 2, 4 or 10 hundred. */
INSTANCE_FN struct pt_flow_graph *instance_graph(uint32_t nodes_len, uint32_t cables_len, uint64_t seed)
{
    static const double capacities[] = {100, 200, 400, 1000};
    struct instance_random random = {.state = seed};
    struct pt_flow_link *links = calloc((size_t)cables_len * 2, sizeof(links[0]));
    for (uint32_t i = 0; i < cables_len; i++) {
        uint32_t a = i < nodes_len ? i : (uint32_t)(instance_bits(&random) % nodes_len);
        uint32_t b = i < nodes_len ? (i + 1) % nodes_len
                                   : (a + 1 + (uint32_t)(instance_bits(&random) % (nodes_len - 1))) % nodes_len;
        struct pt_flow_link link = {.from = a,
                                    .to = b,
                                    .capacity = capacities[instance_bits(&random) % 4],
                                    .delay = (double)(1 + instance_bits(&random) % 30),
                                    .metric = (uint32_t)(1 + instance_bits(&random) % 10)};
        links[2 * i] = link;
        link.from = b;
        link.to = a;
        links[2 * i + 1] = link;
    }
    struct pt_flow_graph *graph = NULL;
    if (pt_flow_graph_new(nodes_len, links, cables_len * 2, &graph, NULL) != PT_OK) {
        abort();
    }
    free(links);
    return graph;
}

/* A .te or .topo file; aborts when it cannot be read. */
INSTANCE_FN struct pt_flow_te instance_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = malloc(PT_FLOW_TE_SIZE_MAX);
    struct pt_flow_te te = {0};
    struct pt_error error = {0};
    size_t size = file != NULL ? fread(text, 1, PT_FLOW_TE_SIZE_MAX, file) : 0;
    if (file == NULL || pt_flow_te_read(text, size, &te, &error) != PT_OK) {
        fprintf(stderr, "%s: %s: %s\n", path, error.field, error.text);
        abort();
    }
    fclose(file);
    free(text);
    return te;
}
