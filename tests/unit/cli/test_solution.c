/* Parts of a solution become the whole again, whatever they hold. */
#include "tests/unit/cli/fixture.h"

#include "cli/solution.h"
#include "wire/json.h"

static struct pt_msg *solution_of(const char *json)
{
    const struct pt_message_type *type = pt_schema_message(schema, "patronus.v1.Solution");
    struct pt_msg *solution = NULL;
    ck_assert_msg(pt_json_read(schema, type, json, strlen(json), &arena, &solution, &error) == PT_OK, "%s", error.text);
    return solution;
}

START_TEST(parts_become_the_whole)
{
#define SUMMARY "\"epoch\":\"7\",\"kind\":\"solved\",\"utilizationPpm\":\"900000\""
    struct pt_msg *whole = solution_of("{" SUMMARY ",\"links\":[{\"link\":\"a\",\"up\":true}]}");
    pt_cli_solution_join(whole, solution_of("{" SUMMARY ",\"links\":[{\"link\":\"a\"},{\"link\":\"b\"}]}"), &arena);
    pt_cli_solution_join(whole, solution_of("{" SUMMARY ",\"pairs\":[{\"sourceSite\":\"x\",\"rateBps\":\"5\"}]}"),
                         &arena);
    pt_cli_solution_join(whole, solution_of("{" SUMMARY "}"), &arena);
    pt_cli_solution_join(whole, solution_of("{" SUMMARY ",\"pairs\":[{\"sourceSite\":\"y\"}]}"), &arena);
    ck_assert(pt_msg_equal(
        whole, solution_of("{" SUMMARY ",\"links\":[{\"link\":\"a\",\"up\":true},{\"link\":\"a\"},{\"link\":\"b\"}],"
                           "\"pairs\":[{\"sourceSite\":\"x\",\"rateBps\":\"5\"},{\"sourceSite\":\"y\"}]}")));
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("parts");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, parts_become_the_whole);
    return run_case("solution", tcase);
}
