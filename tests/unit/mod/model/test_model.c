/* A model's live version is its own. */
#include "../table.h"

#define DIGEST "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define DPI A "/models/dpi"

static const struct row models[] = {
    {"CreateModelVersion", "{'parent':'" DPI "','modelVersionId':'v1','modelVersion':{'digest':'" DIGEST "'}}"},
    {"CreateModel",
     "{'parent':'" A "','modelId':'other','model':{'purpose':'dpi','liveVersion':'" DPI "/versions/v1'}}",
     PT_INVALID_ARGUMENT, PT_REASON_FIELD_INVALID, "live_version"},
    {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" DPI "/versions/none'}}", PT_FAILED_PRECONDITION,
     PT_REASON_REFERENCE_NOT_FOUND, "live_version"},
    {"UpdateModel", "{'model':{'name':'" DPI "','liveVersion':'" DPI "/versions/v1'}}"},
    {"DeleteModelVersion", "{'name':'" DPI "/versions/v1'}", PT_FAILED_PRECONDITION, PT_REASON_RESOURCE_IN_USE, "name"},
    {"UpdateModelVersion", "{'modelVersion':{'name':'" DPI "/versions/v1','sizeBytes':'5'}}", PT_INVALID_ARGUMENT,
     PT_REASON_FIELD_IMMUTABLE, "size_bytes"},
};
TABLE_TEST(the_live_version_is_the_models_own, models)
TABLE_MAIN("mod/model", the_live_version_is_the_models_own)
