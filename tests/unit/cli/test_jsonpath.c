/* Templates: each kind of step, ranges, filters, and refusals with the character. */
#include "tests/unit/cli/fixture.h"

#include "cli/jsonpath.h"

static const char sites[] =
    "{\"items\":[{\"name\":\"a\",\"adminState\":\"ACTIVE\",\"labels\":{\"tier\":\"gold\",\"x.y\":\"z\"},\"n\":\"10\"},"
    "{\"name\":\"b\",\"adminState\":\"DRAINED\",\"n\":\"9\",\"list\":[1,2,3]},{\"name\":\"c\"}]}";

static enum pt_code evaluate(const char *expression, struct pt_buf *out)
{
    const struct pt_cli_value *root = NULL;
    ck_assert_int_eq(pt_cli_value_read(sites, strlen(sites), &arena, &root, &error), PT_OK);
    enum pt_code code = pt_cli_jsonpath(expression, root, &arena, out, &error);
    pt_buf_append_u8(out, 0);
    return code;
}

START_TEST(what_templates_make)
{
    static const struct {
        const char *expression, *text;
    } rows[] = {
        {".items[*].name", "a b c"},
        {"items[*].name", "a b c"},
        {"$.items[0].name", "a"},
        {"{.items[-1].name}", "c"},
        {"{.items[5].name}", ""},
        {"{.items[0:2].name}|{.items[1:].name}|{.items[:-1].name}", "a b|b c|a b"},
        {"{.items[0].labels}", "{\"tier\":\"gold\",\"x.y\":\"z\"}"},
        {"{.items[0].labels['x.y']}", "z"},
        {"{.items[1]['name','n']}", "b 9"},
        {"{.items[*].admin_state}", "ACTIVE DRAINED"},
        {"{..tier}", "gold"},
        {"{.items[1].list.*}", "1 2 3"},
        {"{.items[?(@.adminState==\"DRAINED\")].name}", "b"},
        {"{.items[?(@.admin_state != 'DRAINED')].name}", "a c"},
        {"{.items[?(@.n > 9)].name}", "a"},
        {"{.items[?(@.n<=9)].name}", "b"},
        {"{.items[?(@.labels)].name}", "a"},
        {"{range .items[*]}{.name}{\"\\t\"}{@.n}{'\\n'}{end}done", "a\t10\nb\t9\nc\t\ndone"},
        {"{range .items[1]}{range .list[*]}{@}-{$.items[0].name},{end}{end}", "1-a,2-a,3-a,"},
        {"{range .nothing[*]}{.name}x{end}y", "y"},
        {"no braces{\"}\"}", "no braces}"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PT_AUTO(buf) struct pt_buf out = {0};
        ck_assert_msg(evaluate(rows[i].expression, &out) == PT_OK, "%s: %s", rows[i].expression, error.text);
        ck_assert_msg(strcmp((char *)out.data, rows[i].text) == 0, "%s gave '%s', not '%s'", rows[i].expression,
                      (char *)out.data, rows[i].text);
    }
}
END_TEST

START_TEST(what_is_refused)
{
    static const char *const rows[] = {"{.items",
                                       "{.items[}",
                                       "{.items[x]}",
                                       "{.items['a]}",
                                       "{.items[?(@.a=1)]}",
                                       "{.items[?(a==1)]}",
                                       "{.items[?(@.a==)]}",
                                       "{.items[?(@.a==1]}",
                                       "{range .items[*]}{.name}",
                                       "{end}",
                                       "{\"x}",
                                       "{.a b}",
                                       "{.items..}",
                                       "{.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z}"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        PT_AUTO(buf) struct pt_buf out = {0};
        ck_assert_msg(evaluate(rows[i], &out) == PT_INVALID_ARGUMENT, "%s gave '%s'", rows[i], (char *)out.data);
        ck_assert_ptr_nonnull(strstr(error.text, "character"));
    }
}
END_TEST

/* ..* in ..* multiplies; the set is limited. */
START_TEST(what_grows_without_end_is_refused)
{
    PT_AUTO(buf) struct pt_buf json = {0};
    const struct pt_cli_value *root = NULL;
    for (int i = 0; i < 60; i++) {
        pt_buf_append_str(&json, "[");
    }
    for (int i = 0; i < 60; i++) {
        pt_buf_append_str(&json, "]");
    }
    ck_assert_int_eq(pt_cli_value_read((char *)json.data, json.size, &arena, &root, &error), PT_OK);
    PT_AUTO(buf) struct pt_buf out = {0};
    ck_assert_int_eq(pt_cli_jsonpath("{..*..*..*..*..*}", root, &arena, &out, &error), PT_INVALID_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(error.text, "million"));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("jsonpath");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, what_templates_make);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, what_grows_without_end_is_refused);
    return run_case("cli_jsonpath", tcase);
}
