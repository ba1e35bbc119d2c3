#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: identity_provider
short_description: Declare an identity provider
description:
  - 'An OpenID Connect issuer whose tokens name users: organizations/acme/identityProviders/okta/users/SUBJECT.'
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/identityProviders/my-identity-provider).
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
  issuer:
    description:
      - 'The `iss` of its tokens: an https URL. Keys are found through its discovery document.'
      - Needed to create the resource.
    type: str
  audiences:
    description:
      - 'A token names one of these as `aud`.'
      - The order carries no meaning.
      - Needed to create the resource.
    type: list
    elements: str
  jwks_uri:
    description:
      - 'URL of the key set, where discovery is not wanted.'
    type: str
  subject_claim:
    description:
      - 'Claim that names the user; empty: "sub".'
    type: str
  groups_claim:
    description:
      - 'Claim that lists the user''s groups; empty: "groups".'
    type: str
  disabled:
    description:
      - 'True: its tokens are refused.'
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
- name: An identity provider
  patronus.sdwan.identity_provider:
    name: organizations/acme/identityProviders/my-identity-provider
    issuer: text
    audiences:
      - text
- name: No such identity provider
  patronus.sdwan.identity_provider:
    name: organizations/acme/identityProviders/my-identity-provider
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

KIND = "IdentityProvider"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "issuer": "issuer",
    "audiences": "audiences",
    "jwks_uri": "jwks_uri",
    "subject_claim": "subject_claim",
    "groups_claim": "groups_claim",
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
    "issuer": {"type": "str"},
    "audiences": {"type": "list", "elements": "str"},
    "jwks_uri": {"type": "str"},
    "subject_claim": {"type": "str"},
    "groups_claim": {"type": "str"},
    "disabled": {"type": "bool"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
