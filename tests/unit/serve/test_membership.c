/*
 * The order of changes to consensus' configuration: every way from what is to what is wanted ends, and none of its
 * steps is one that consensus refuses.
 */
#include "serve/membership.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void want(struct pt_wanted_list *list, uint64_t id, const char *address, bool voter)
{
    struct pt_wanted *item = &list->items[list->len++];
    *item = (struct pt_wanted){.id = id, .voter = voter};
    (void)snprintf(item->address, sizeof(item->address), "%s", address);
}

static const struct pt_raft_member THREE[] = {
    {.id = 1, .address = "a:1", .voter = true},
    {.id = 2, .address = "b:1", .voter = true},
    {.id = 3, .address = "c:1", .voter = true},
};

START_TEST(nothing_is_left_to_do)
{
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    want(&list, 2, "b:1", true);
    want(&list, 3, "c:1", true);
    ck_assert_int_eq(pt_membership_next(&list, THREE, 3, 1).step, PT_MEMBERSHIP_SETTLED);
}
END_TEST

START_TEST(a_new_one_comes_before_an_old_one_goes)
{
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    want(&list, 2, "b:1", true);
    want(&list, 4, "d:1", true);
    struct pt_membership_change change = pt_membership_next(&list, THREE, 3, 1);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_ADD);
    ck_assert_uint_eq(change.id, 4);
    ck_assert_str_eq(change.address, "d:1");
}
END_TEST

/* 3 is dead, and 4 may die: with 3 still there that would be two of four. */
START_TEST(a_dead_one_goes_before_a_new_one_votes)
{
    struct pt_raft_member members[] = {THREE[0], THREE[1], THREE[2]};
    members[2].silent = true;
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    want(&list, 2, "b:1", true);
    want(&list, 4, "d:1", true);
    struct pt_membership_change change = pt_membership_next(&list, members, 3, 1);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_REMOVE);
    ck_assert_uint_eq(change.id, 3);
    want(&list, 3, "c:1", false); /* is to lose its vote only */
    change = pt_membership_next(&list, members, 3, 1);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_ASSIGN);
    ck_assert_uint_eq(change.id, 3);
    ck_assert(!change.voter);
    members[2].voter = false; /* counts for nothing: there is no hurry */
    list.len = 3;
    ck_assert_int_eq(pt_membership_next(&list, members, 3, 1).step, PT_MEMBERSHIP_ADD);
}
END_TEST

START_TEST(the_old_one_leaves_an_address_that_a_new_one_has)
{
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    want(&list, 4, "c:1", true); /* replaces 3 */
    want(&list, 5, "e:1", true);
    struct pt_membership_change change = pt_membership_next(&list, THREE, 3, 1);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_REMOVE);
    ck_assert_uint_eq(change.id, 3); /* and not 2, who is in nobody's way */
    /* It is the leader: it hands over first. */
    change = pt_membership_next(&list, THREE, 3, 3);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_TRANSFER);
}
END_TEST

START_TEST(a_role_is_given_and_a_leader_does_not_take_its_own)
{
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    want(&list, 2, "b:1", false);
    want(&list, 3, "c:1", true);
    struct pt_membership_change change = pt_membership_next(&list, THREE, 3, 1);
    ck_assert_int_eq(change.step, PT_MEMBERSHIP_ASSIGN);
    ck_assert_uint_eq(change.id, 2);
    ck_assert(!change.voter);
    ck_assert_int_eq(pt_membership_next(&list, THREE, 3, 2).step, PT_MEMBERSHIP_TRANSFER);
}
END_TEST

/* ---- every way ends --------------------------------------------------------------------------------------------- */

struct model {
    struct pt_raft_member members[PT_MEMBERSHIP_MAX];
    size_t len;
    uint64_t leader;
};

/* As consensus does it: refuses what it would refuse. */
static void carry_out(struct model *model, const struct pt_membership_change *change)
{
    size_t at = 0;
    while (at < model->len && model->members[at].id != change->id) {
        at++;
    }
    switch (change->step) {
    case PT_MEMBERSHIP_ADD:
        for (size_t i = 0; i < model->len; i++) {
            ck_assert_uint_ne(model->members[i].id, change->id);
            ck_assert_str_ne(model->members[i].address, change->address);
        }
        model->members[model->len++] =
            (struct pt_raft_member){.id = change->id, .address = change->address, .spare = true};
        break;
    case PT_MEMBERSHIP_ASSIGN:
        ck_assert_uint_lt(at, model->len);
        ck_assert_uint_ne(change->id, model->leader);
        model->members[at].voter = change->voter;
        model->members[at].spare = false;
        break;
    case PT_MEMBERSHIP_REMOVE:
        ck_assert_uint_lt(at, model->len);
        ck_assert_uint_ne(change->id, model->leader);
        model->members[at] = model->members[--model->len];
        break;
    default: { /* somebody else that votes leads */
        uint64_t old = model->leader;
        for (size_t i = 0; i < model->len; i++) {
            model->leader =
                model->members[i].voter && model->members[i].id != old ? model->members[i].id : model->leader;
        }
        ck_assert_uint_ne(model->leader, old);
    }
    }
}

START_TEST(every_way_ends)
{
    static const char *const ADDRESSES[] = {"a:1", "b:1", "c:1", "d:1", "e:1", "f:1"};
    unsigned seed = (unsigned)_i + 1;
    struct model model = {.len = 3, .leader = (uint64_t)(rand_r(&seed) % 3) + 1};
    memcpy(model.members, THREE, sizeof(THREE));
    /* One of the three stays and votes, so that there is a way; each address has one node, an old or a new one. */
    struct pt_wanted_list list = {.len = 0};
    want(&list, 1, "a:1", true);
    for (size_t i = 1; i < 6; i++) {
        int what = rand_r(&seed) % 3;
        if (what != 0) {
            want(&list, what == 1 && i < 3 ? i + 1 : 10 + i, ADDRESSES[i], rand_r(&seed) % 2 == 0);
        }
    }
    for (size_t i = 1; i < 3; i++) { /* a leader is heard by itself, whatever is said of it here */
        model.members[i].silent = rand_r(&seed) % 3 == 0;
    }
    unsigned steps = 0;
    for (;;) {
        struct pt_membership_change change = pt_membership_next(&list, model.members, model.len, model.leader);
        if (change.step == PT_MEMBERSHIP_SETTLED) {
            break;
        }
        carry_out(&model, &change);
        ck_assert_uint_lt(steps++, 40);
    }
    ck_assert_uint_eq(model.len, list.len);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("membership");
    TCase *cases = tcase_create("order");
    tcase_add_test(cases, nothing_is_left_to_do);
    tcase_add_test(cases, a_new_one_comes_before_an_old_one_goes);
    tcase_add_test(cases, a_dead_one_goes_before_a_new_one_votes);
    tcase_add_test(cases, the_old_one_leaves_an_address_that_a_new_one_has);
    tcase_add_test(cases, a_role_is_given_and_a_leader_does_not_take_its_own);
    tcase_add_loop_test(cases, every_way_ends, 0, 500);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
