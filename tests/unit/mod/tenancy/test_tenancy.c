/* Organizations are a tree of bounded depth. */
#include "../table.h"

/* The world has root and acme below it. */
static const struct row tree[] = {
    {"UpdateOrganization", "{'organization':{'name':'organizations/root','parentOrganization':'organizations/acme'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "parent_organization"},
    {"UpdateOrganization", "{'organization':{'name':'organizations/acme','parentOrganization':'organizations/acme'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "parent_organization"},
    {"CreateOrganization", "{'organizationId':'x','organization':{'parentOrganization':'organizations/none'}}",
     PT_FAILED_PRECONDITION, PT_REASON_REFERENCE_NOT_FOUND, "parent_organization"},
    {"CreateOrganization", "{'organizationId':'l3','organization':{'parentOrganization':'organizations/acme'}}"},
    {"CreateOrganization", "{'organizationId':'l4','organization':{'parentOrganization':'organizations/l3'}}"},
    {"CreateOrganization", "{'organizationId':'l5','organization':{'parentOrganization':'organizations/l4'}}"},
    {"CreateOrganization", "{'organizationId':'l6','organization':{'parentOrganization':'organizations/l5'}}"},
    {"CreateOrganization", "{'organizationId':'l7','organization':{'parentOrganization':'organizations/l6'}}"},
    {"CreateOrganization", "{'organizationId':'l8','organization':{'parentOrganization':'organizations/l7'}}"},
    {"CreateOrganization", "{'organizationId':'l9','organization':{'parentOrganization':'organizations/l8'}}",
     PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, "parent_organization"},
    /* A move takes what is below along. */
    {"CreateOrganization", "{'organizationId':'top'}"},
    {"UpdateOrganization", "{'organization':{'name':'organizations/root','parentOrganization':'organizations/top'}}",
     PT_FAILED_PRECONDITION, PT_REASON_LIMIT_REACHED, "parent_organization"},
    {"DeleteOrganization", "{'name':'organizations/l8'}"},
    {"UpdateOrganization", "{'organization':{'name':'organizations/root','parentOrganization':'organizations/top'}}"},
    {"UpdateOrganization", "{'organization':{'name':'organizations/top','parentOrganization':'organizations/l4'}}",
     PT_FAILED_PRECONDITION, PT_REASON_CONFLICT, "parent_organization"},
    {"UpdateOrganization", "{'organization':{'name':'organizations/top','displayName':'Top'}}"},
};
TABLE_TEST(organizations_are_a_tree, tree)
TABLE_MAIN("mod/tenancy", organizations_are_a_tree)
