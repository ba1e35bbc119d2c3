/*
 * The Internet checksum against the example of RFC 1071 and against a twin that adds word by word.
 */
#include "base/checksum.h"
#include "base/word16.h"

#include <check.h>
#include <string.h>

START_TEST(the_example_of_the_rfc)
{
    static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    ck_assert_uint_eq(pt_checksum_fold(pt_checksum_add(data, sizeof(data), 0)), 0xddf2);
}
END_TEST

static uint16_t by_words(const uint8_t *data, size_t size, uint32_t sum)
{
    for (size_t i = 0; i < size; i += 2) {
        sum += (uint32_t)data[i] << 8 | (i + 1 < size ? data[i + 1] : 0);
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return pt_checksum_fold(sum);
}

/* All sizes, odd ones too; bytes that carry; in one part and in two. */
START_TEST(it_is_the_sum_of_words)
{
    uint8_t data[200];
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i % 3 == 0 ? 0xff : i * 37);
    }
    for (size_t size = 0; size <= sizeof(data); size++) {
        uint16_t sum = by_words(data, size, 0xfffe);
        ck_assert_uint_eq(pt_checksum_fold(pt_checksum_add(data, size, 0xfffe)), sum);
        size_t half = size / 4 * 2;
        uint32_t first = pt_checksum_add(data, half, 0xfffe);
        ck_assert_uint_eq(pt_checksum_fold(pt_checksum_add(data + half, size - half, first)), sum);
    }
}
END_TEST

START_TEST(words_are_big_endian)
{
    uint8_t bytes[2];
    pt_put_be16(bytes, 0x12345);
    ck_assert_uint_eq(bytes[0], 0x23);
    ck_assert_uint_eq(bytes[1], 0x45);
    ck_assert_uint_eq(pt_be16(bytes), 0x2345);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/checksum");
    TCase *tcase = tcase_create("sums");
    tcase_add_test(tcase, the_example_of_the_rfc);
    tcase_add_test(tcase, it_is_the_sum_of_words);
    tcase_add_test(tcase, words_are_big_endian);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
