/*
 * What the parts of the interpreter's test share: random numbers, the bundle's text, packets (test_interpreter.c), and
 * what concerns translation and the firewall (interpreter_nat.c).
 */
#pragma once

#include "reference.h"

#include "bpf/abi/flow.h"

uint32_t any(uint32_t below);
bool one_in(uint32_t n);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A random prefix around few networks, so that prefixes nest and packets hit. Returns its text. */
const char *random_prefix(uint8_t address[16], unsigned *ret_bits);
/* The key of a flow as programs have it; true: of IPv4. */
bool interpreter_key(const uint8_t key[44], struct pt_abi_flow4_key *ret_v4, struct pt_abi_flow6_key *ret_v6);
void put_ip(struct packet *p, const struct ref_model *m, bool v4);
void damage(struct packet *p);
bool put_answer(struct packet *p, bool v4);

void address_of(const char *name, uint8_t out[16]);
/* Everything behind the node and its LANs, which the model and the text must have already. */
void make_entries(struct ref_model *m, const struct bed *bed);
/* Firewall rules, exits, port forwards and prefix maps, behind the routes; entries of a kind in order of VNI and link.
 */
void make_nat(struct ref_model *m);
/* The port that the program gave, from its map. */
uint32_t port_given(void *arg, const struct ref_mapping *wanted); /* arg: struct bed */
/* Mappings, peers and tracks are forgotten, by both. */
void forget_nat(const struct bed *bed, struct ref_state *state);
/* An address inside of a host that something was forwarded to, or outside of one of a mapped prefix; false: none. */
bool nat_address(const struct ref_model *m, uint8_t out[16]);
/* From the internet to one of the links' addresses: mostly to a port that leads somewhere. */
void make_internet(const struct ref_model *m, const struct ref_state *state, struct packet *p, uint32_t ifindex);
/* As the tunnel process hands it over. */
void make_tap(const struct ref_model *m, struct packet *p);
