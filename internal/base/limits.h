/*
 * Limits that several layers share. A limit of one folder stands in that folder's own header.
 */
#pragma once

#define PT_MESSAGE_SIZE_MAX (1U << 20) /* largest request, resource or log entry, bytes */
#define PT_MESSAGE_DEPTH_MAX 32        /* deepest nesting of messages */
#define PT_NAME_SIZE_MAX 384           /* longest resource name, bytes */
#define PT_ID_SIZE_MAX 63              /* longest id, bytes */
#define PT_REQUEST_ID_SIZE_MAX 64      /* longest request id, bytes */
#define PT_PAGE_LEN_MAX 1000           /* most resources in one page */
#define PT_PAGE_LEN_DEFAULT 100
#define PT_PATH_STACK_LEN_MAX 6 /* most labels in a path stack */
#define PT_GROUP_MEMBERS_MAX 8  /* most members of a next-hop group */
#define PT_LABEL_MAX 0xfffffU   /* site labels are 20 bits */
#define PT_VNI_MAX 0xffffffU    /* VNIs are 24 bits */
