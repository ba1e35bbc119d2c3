#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: api_key
short_description: Declare an api key
description:
  - 'A key that speaks for a service account. Made by IssueApiKey; the cluster keeps a keyed digest of it only.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/serviceAccounts/my-service-account/apiKeys/my-api-key).
    type: str
    required: true
  state:
    description:
      - Whether the resource is to be there.
    type: str
    choices:
      - present
      - absent
    default: present
  force:
    description:
      - 'With O(state=absent), delete what is below the resource too.'
    type: bool
    default: false
  etag:
    description:
      - 'Fail when the resource is there and has another etag, that is, was changed since it was read.'
    type: str
  labels:
    description:
      - Short key-value pairs for selection by filters.
    type: dict
  annotations:
    description:
      - Free key-value pairs that the system does not read.
    type: dict
  display_name:
    description:
      - A name for people.
    type: str
  secret_hmac:
    description:
      - 'HMAC-SHA256 of the key, under a key that the controllers share.'
      - A SHA-256 digest in lower-case hexadecimal.
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
    type: str
  hint:
    description:
      - 'First characters of the key, to tell one from another.'
      - Cannot be changed after the resource is created.
    type: str
  expire_time:
    description:
      - 'When it ends; unset: never.'
      - 'A time as RFC 3339, for example C(2030-01-31T12:00:00Z).'
    type: str
  scopes:
    description:
      - 'Permissions that the key is good for, of those its account has, for example "sites.*"; empty: all.'
      - The order carries no meaning.
    type: list
    elements: str
  source_prefixes:
    description:
      - 'Prefixes from which the key is good; empty: any.'
      - 'An IPv4 or IPv6 prefix in canonical text, without host bits.'
      - The order carries no meaning.
    type: list
    elements: str
  disabled:
    description:
      - 'True: it is refused.'
    type: bool
attributes:
  check_mode:
    description: The server checks everything and changes nothing.
    support: full
  diff_mode:
    description: Shows the fields that change.
    support: full
author:
  - 'Patronus maintainers (@patronus-sdwan)'
extends_documentation_fragment:
  - patronus.sdwan.connection
"""

EXAMPLES = r"""
- name: An api key
  patronus.sdwan.api_key:
    name: organizations/acme/serviceAccounts/my-service-account/apiKeys/my-api-key
    secret_hmac: '0000000000000000000000000000000000000000000000000000000000000000'
- name: No such api key
  patronus.sdwan.api_key:
    name: organizations/acme/serviceAccounts/my-service-account/apiKeys/my-api-key
    state: absent
"""

RETURN = r"""
resource:
  description: 'The resource as it is now; in check mode as it would be; empty when it is absent.'
  type: dict
  returned: success
action:
  description: 'What was done, one of created, updated, deleted, unchanged.'
  type: str
  returned: success
"""

from ansible_collections.patronus.sdwan.plugins.module_utils import entry

KIND = "ApiKey"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "secret_hmac": "secret_hmac",
    "hint": "hint",
    "expire_time": "expire_time",
    "scopes": "scopes",
    "source_prefixes": "source_prefixes",
    "disabled": "disabled",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "secret_hmac": {"type": "str", "no_log": True},
    "hint": {"type": "str"},
    "expire_time": {"type": "str"},
    "scopes": {"type": "list", "elements": "str"},
    "source_prefixes": {"type": "list", "elements": "str"},
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
