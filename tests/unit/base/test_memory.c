/*
 * Arena, buffer and list.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/list.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* ---- arena ---------------------------------------------------------------------------------------------------- */

/* Allocations of many sizes are zeroed (but for the raw ones), aligned, apart from each other, and keep what was
 * written. */
START_TEST(arena_allocations_do_not_overlap)
{
    enum { LEN = 2000 };
    struct pt_arena arena;
    static uint8_t *blocks[LEN];
    static size_t sizes[LEN];
    pt_arena_init(&arena);
    for (size_t i = 0; i < LEN; i++) {
        sizes[i] = i % 97 == 0 ? 10000 : i % 53;
        bool raw = i % 3 == 0;
        blocks[i] = raw ? pt_arena_raw(&arena, sizes[i]) : pt_arena_alloc(&arena, sizes[i]);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t at = 0; at < sizes[i] && !raw; at++) {
            ck_assert_uint_eq(blocks[i][at], 0);
        }
        memset(blocks[i], (int)(i % 255 + 1), sizes[i]);
    }
    for (size_t i = 0; i < LEN; i++) {
        for (size_t at = 0; at < sizes[i]; at++) {
            ck_assert_uint_eq(blocks[i][at], i % 255 + 1);
        }
    }
    ck_assert_uint_ge(arena.total_size, LEN / 97 * 10000);
    pt_arena_fini(&arena);
    ck_assert_ptr_null(arena.head);
    ck_assert_ptr_nonnull(pt_arena_alloc(&arena, 1)); /* usable again */
    pt_arena_fini(&arena);
}
END_TEST

START_TEST(an_arena_on_lent_memory_takes_more_when_that_is_full)
{
    struct pt_arena arena;
    PT_ARENA_LENT(memory, 256);
    for (int life = 0; life < 2; life++) {
        pt_arena_init_lent(&arena, memory, sizeof(memory));
        memset(memory + 64, 0xff, sizeof(memory) - 64); /* what another life left */
        char *first = pt_arena_alloc(&arena, 100);
        ck_assert(first > memory && first + 100 <= memory + sizeof(memory));
        ck_assert_int_eq(first[99], 0);
        ck_assert_uint_eq(arena.total_size, 0);
        char *second = pt_arena_alloc(&arena, 10000);
        ck_assert(second + 10000 <= memory || second >= memory + sizeof(memory));
        memset(second, 1, 10000);
        ck_assert_int_eq(first[0], 0);
        char *third = pt_arena_alloc(&arena, 100000);
        ck_assert_int_eq(third[99999], 0);
        ck_assert_uint_ge(arena.total_size, 110000);
        pt_arena_fini(&arena);
        ck_assert_ptr_null(arena.head);
    }
}
END_TEST

START_TEST(arena_copies_text)
{
    struct pt_arena arena = {0};
    char source[] = "source";
    char *copy = pt_arena_strdup(&arena, source);
    char *part = pt_arena_strndup(&arena, source, 3);
    char *all = pt_arena_strndup(&arena, source, 100); /* stops at the NUL */
    uint8_t *bytes = pt_arena_memdup(&arena, "a\0b", 3);
    int *numbers = pt_arena_array(&arena, 10, sizeof(int));
    memset(source, 'x', sizeof(source) - 1);
    ck_assert_str_eq(copy, "source");
    ck_assert_str_eq(part, "sou");
    ck_assert_str_eq(all, "source");
    ck_assert_int_eq(memcmp(bytes, "a\0b", 3), 0);
    ck_assert_ptr_nonnull(pt_arena_memdup(&arena, NULL, 0));
    ck_assert_int_eq(numbers[9], 0);
    ck_assert_str_eq(pt_arena_printf(&arena, "%s-%05d", "n", 42), "n-00042");
    ck_assert_str_eq(pt_arena_printf(&arena, "%s", ""), "");
    pt_arena_fini(&arena);
}
END_TEST

/* ---- buffer --------------------------------------------------------------------------------------------------- */

/* Random appends and consumes against a plain array; a NUL always stands behind the last byte. */
START_TEST(buf_agrees_with_a_plain_array)
{
    enum { SIZE = 100000 };
    uint8_t *twin = malloc(SIZE);
    ck_assert_ptr_nonnull(twin);
    size_t twin_size = 0;
    struct pt_buf buf;
    pt_buf_init(&buf);
    srand(1);
    for (int step = 0; step < 3000; step++) {
        uint8_t data[300];
        size_t size = (size_t)rand() % sizeof(data);
        memset(data, rand(), sizeof(data));
        if (rand() % 3 == 0) {
            size = size < twin_size ? size : twin_size;
            pt_buf_consume(&buf, size);
            memmove(twin, twin + size, twin_size - size);
            twin_size -= size;
        } else if (twin_size + size <= SIZE) {
            pt_buf_append(&buf, data, size);
            memcpy(twin + twin_size, data, size);
            twin_size += size;
        }
        ck_assert_uint_eq(buf.size, twin_size);
        ck_assert(buf.data == NULL || buf.data[buf.size] == 0);
        ck_assert(twin_size == 0 || memcmp(buf.data, twin, twin_size) == 0);
    }
    pt_buf_reset(&buf);
    ck_assert_uint_eq(buf.size, 0);
    pt_buf_fini(&buf);
    free(twin);
}
END_TEST

START_TEST(buf_formats_numbers_and_text)
{
    struct pt_buf buf;
    pt_buf_init(&buf);
    pt_buf_append_u8(&buf, 0xab);
    pt_buf_append_be32(&buf, 0x01020304);
    pt_buf_append_be64(&buf, 0x1112131415161718);
    static const uint8_t expected[] = {0xab, 1, 2, 3, 4, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
    ck_assert_uint_eq(buf.size, sizeof(expected));
    ck_assert_int_eq(memcmp(buf.data, expected, sizeof(expected)), 0);
    ck_assert_uint_eq(pt_be32(buf.data + 1), 0x01020304);
    ck_assert_uint_eq(pt_be64(buf.data + 5), 0x1112131415161718);
    pt_buf_reset(&buf);
    pt_buf_append_str(&buf, "a");
    for (int i = 0; i < 100; i++) {
        pt_buf_printf(&buf, ",%d", i); /* grows in the middle of a format */
    }
    ck_assert_uint_eq(strlen((char *)buf.data), buf.size);
    ck_assert_int_eq(strncmp((char *)buf.data, "a,0,1,2", 7), 0);
    ck_assert_str_eq((char *)buf.data + buf.size - 3, ",99");
    pt_buf_fini(&buf);
}
END_TEST

START_TEST(buf_take_moves_the_memory)
{
    struct pt_buf buf;
    size_t size = 99;
    pt_buf_init(&buf);
    uint8_t *data = pt_buf_take(&buf, &size); /* an empty one too gives a string */
    ck_assert_uint_eq(size, 0);
    ck_assert_str_eq((char *)data, "");
    free(data);
    pt_buf_append_str(&buf, "text");
    ck_assert_uint_eq(pt_buf_bytes(&buf).size, 4);
    data = pt_buf_take(&buf, &size);
    ck_assert_uint_eq(size, 4);
    ck_assert_str_eq((char *)data, "text");
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(buf.size, 0);
    free(data);
    pt_buf_fini(&buf);
}
END_TEST

/* ---- list ----------------------------------------------------------------------------------------------------- */

struct item {
    int number;
    struct pt_list node;
};

START_TEST(list_keeps_order)
{
    struct pt_list list;
    struct item items[6];
    pt_list_init(&list);
    ck_assert(pt_list_empty(&list));
    ck_assert_ptr_null(pt_list_pop_front(&list));
    for (int i = 0; i < 6; i++) {
        items[i].number = i;
        if (i % 2 == 0) {
            pt_list_push_back(&list, &items[i].node);
        } else {
            pt_list_push_front(&list, &items[i].node);
        }
    }
    static const int expected[] = {5, 3, 1, 0, 2, 4};
    int at = 0;
    PT_LIST_FOREACH (node, &list) {
        ck_assert_int_eq(PT_CONTAINER(node, struct item, node)->number, expected[at++]);
    }
    ck_assert_int_eq(at, 6);
    PT_LIST_FOREACH_SAFE (node, &list) {
        struct item *item = PT_CONTAINER(node, struct item, node);
        if (item->number < 4) {
            pt_list_remove(node);
            pt_list_remove(node); /* harmless */
        }
    }
    ck_assert_ptr_eq(pt_list_pop_front(&list), &items[5].node);
    ck_assert_ptr_eq(pt_list_pop_front(&list), &items[4].node);
    ck_assert(pt_list_empty(&list));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base_memory");
    TCase *tc = tcase_create("all");
    tcase_add_test(tc, arena_allocations_do_not_overlap);
    tcase_add_test(tc, an_arena_on_lent_memory_takes_more_when_that_is_full);
    tcase_add_test(tc, arena_copies_text);
    tcase_add_test(tc, buf_agrees_with_a_plain_array);
    tcase_add_test(tc, buf_formats_numbers_and_text);
    tcase_add_test(tc, buf_take_moves_the_memory);
    tcase_add_test(tc, list_keeps_order);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
