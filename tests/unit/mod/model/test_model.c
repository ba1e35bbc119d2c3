/* A model's live version is its own, has its bytes stored and, when the model has keys, a signature; one is LIVE. */
#include "../table.h"

#include "node/artifact.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DPI A "/models/dpi"
#define VERSION(n) DPI "/versions/v" #n
#define MAKE(n)                                                                                                        \
    {                                                                                                                  \
        "CreateModelVersion", "{'parent':'" DPI "','modelVersionId':'v" #n "','modelVersion':{'digest':'" DIGEST "'}}" \
    }
#define REFUSED PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE

static struct fixture fx;

static void setup(void)
{
    fx_init(&fx);
    fx_world(&fx);
}

static void teardown(void)
{
    fx_fini(&fx);
}

static void run(const struct row *rows, size_t len)
{
    table_run(&fx, rows, len);
}
#define RUN(rows) run(rows, sizeof(rows) / sizeof((rows)[0]))

START_TEST(the_live_version_is_the_models_own)
{
    static const struct row before[] = {
        MAKE(1),
        {"CreateModel", "{'parent':'" A "','modelId':'other','model':{'purpose':'dpi','liveVersion':'" VERSION(1) "'}}",
         PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "live_version"},
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" DPI "/versions/none'}}", PT_FAILED_PRECONDITION,
         PT_REASON_REFERENCE_NOT_FOUND, "live_version"},
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(1) "'}}", REFUSED, "live_version"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'CANARY'}}", REFUSED, "stage"},
    };
    static const struct row after[] = {
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'CANARY'}}"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'LIVE'}}", REFUSED, "stage"},
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(1) "'}}"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'LIVE'}}"},
        {"DeleteModelVersion", "{'name':'" VERSION(1) "'}", PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','sizeBytes':'5'}}", PT_INVALID_ARGUMENT,
         PT_REASON_FIELD_IMMUTABLE, "size_bytes"},
        {"UpdateModelVersion",
         "{'modelVersion':{'name':'" VERSION(1) "','artifactState':'STORED'},'updateMask':'artifactState'}",
         PT_INVALID_ARGUMENT, PT_REASON_FIELD_OUTPUT_ONLY, "update_mask"},
    };
    RUN(before);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(1), DIGEST), PT_OK);
    RUN(after);
}
END_TEST

START_TEST(one_version_is_live)
{
    static const struct row make[] = {MAKE(1), MAKE(2)};
    static const struct row rows[] = {
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(1) "'}}"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'LIVE'}}"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(2) "','stage':'LIVE'}}", REFUSED, "stage"},
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(2) "'}}", REFUSED, "live_version"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'SHADOW'}}"},
        {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(2) "'}}"},
        {"UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(2) "','stage':'LIVE'}}"},
    };
    RUN(make);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(1), DIGEST), PT_OK);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(2), DIGEST), PT_OK);
    RUN(rows);
    FX_OK(&fx, "GetModel", "{'name':'" DPI "'}");
    ck_assert_str_eq(pt_msg_str(fx.reply, "previous_live_version"), VERSION(1));
}
END_TEST

static void hex(const uint8_t *data, size_t size, char *text)
{
    for (size_t i = 0; i < size; i++) {
        (void)sprintf(text + 2 * i, "%02x", data[i]);
    }
}

START_TEST(a_model_with_keys_takes_what_they_signed)
{
    static const uint8_t seed[PT_SIGN_PRIVATE_SIZE] = {7};
    uint8_t public_key[PT_SIGN_PUBLIC_SIZE], signature[PT_SIGNATURE_SIZE];
    char key_text[65], text[129];
    PT_AUTO(buf) struct pt_buf statement = {0};
    pt_artifact_statement(VERSION(1), DIGEST, &statement);
    pt_sign_keypair(seed, public_key);
    pt_sign(seed, statement.data, statement.size, signature);
    hex(public_key, sizeof(public_key), key_text);
    hex(signature, sizeof(signature), text);
    static const struct row make[] = {MAKE(1), MAKE(2)};
    RUN(make);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(1), DIGEST), PT_OK);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(2), DIGEST), PT_OK);
    FX_OK(&fx, "UpdateModel", "{'model':{'name':'" DPI "','signingKeys':['%s']}}", key_text);
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "stage", "UpdateModelVersion",
            "{'modelVersion':{'name':'" VERSION(1) "','stage':'CANARY'}}");
    /* The signature is of the first version's name: the second has the same bytes and may not use it. */
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "stage", "UpdateModelVersion",
            "{'modelVersion':{'name':'" VERSION(2) "','stage':'CANARY','signature':'%s'}}", text);
    FX_OK(&fx, "UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','signature':'%s'}}", text);
    FX_OK(&fx, "UpdateModelVersion", "{'modelVersion':{'name':'" VERSION(1) "','stage':'CANARY'}}");
    FX_OK(&fx, "UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" VERSION(1) "'}}");
    text[0] = text[0] == '0' ? '1' : '0';
    FX_FAIL(&fx, PT_FAILED_PRECONDITION, PT_REASON_WRONG_STATE, "stage", "UpdateModelVersion",
            "{'modelVersion':{'name':'" VERSION(1) "','signature':'%s'}}", text);
}
END_TEST

START_TEST(bytes_count_to_the_quota_from_the_creation_on)
{
    FX_OK(&fx, "UpdateOrganization", "{'organization':{'name':'" A "','quotas':{'bytes':'1000000'}}}");
    FX_OK(&fx, "CreateModelVersion",
          "{'parent':'" DPI "','modelVersionId':'v1','modelVersion':{'digest':'" DIGEST "','sizeBytes':'600000'}}");
    FX_FAIL(&fx, PT_EXHAUSTED, PT_REASON_QUOTA_EXCEEDED, "bytes", "CreateModelVersion",
            "{'parent':'" DPI "','modelVersionId':'v2','modelVersion':{'digest':'" DIGEST "','sizeBytes':'600000'}}");
    uint64_t limit = 0, usage = 0, again = 0;
    ck_assert(pt_quota_usage(fx.machine, A, PT_QUOTA_BYTES, &limit, &usage));
    ck_assert_uint_gt(usage, 600000);
    fx_reopen(&fx); /* counted from the rows, it is the same */
    ck_assert(pt_quota_usage(fx.machine, A, PT_QUOTA_BYTES, &limit, &again));
    ck_assert_uint_eq(usage, again);
    FX_OK(&fx, "DeleteModelVersion", "{'name':'" VERSION(1) "'}");
    FX_OK(&fx, "CreateModelVersion",
          "{'parent':'" DPI "','modelVersionId':'v2','modelVersion':{'digest':'" DIGEST "','sizeBytes':'600000'}}");
}
END_TEST

static void note(void *arg, const struct pt_kind_artifact *artifact)
{
    unsigned *seen = arg;
    *seen |= artifact->deleted ? 2 : 1;
}

START_TEST(what_an_undelete_would_bring_back_is_referred_to)
{
    static const struct row make[] = {MAKE(1)};
    unsigned seen = 0;
    RUN(make);
    ck_assert_int_eq(pt_kind_artifacts(fx.machine, note, &seen, NULL), PT_OK);
    ck_assert_uint_eq(seen, 1);
    FX_OK(&fx, "DeleteOrganization", "{'name':'" A "','force':true}");
    seen = 0;
    ck_assert_int_eq(pt_kind_artifacts(fx.machine, note, &seen, NULL), PT_OK);
    ck_assert_uint_eq(seen, 2);
}
END_TEST

START_TEST(bytes_of_another_digest_are_refused)
{
    static const struct row make[] = {MAKE(1)};
    RUN(make);
    ck_assert_int_eq(fx_store_artifact(&fx, VERSION(9), DIGEST), PT_NOT_FOUND);
    ck_assert_int_eq(
        fx_store_artifact(&fx, VERSION(1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        PT_FAILED_PRECONDITION);
    ck_assert_int_eq(fx_store_artifact(&fx, DPI, DIGEST), PT_NOT_FOUND);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("mod/model");
    TCase *tcase = tcase_create("model");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_live_version_is_the_models_own);
    tcase_add_test(tcase, one_version_is_live);
    tcase_add_test(tcase, a_model_with_keys_takes_what_they_signed);
    tcase_add_test(tcase, bytes_count_to_the_quota_from_the_creation_on);
    tcase_add_test(tcase, what_an_undelete_would_bring_back_is_referred_to);
    tcase_add_test(tcase, bytes_of_another_digest_are_refused);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
