#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0
# Generated from the schema by api/tools/generate; do not edit.

DOCUMENTATION = r"""
---
module: model_version
short_description: Declare a model version
description:
  - One trained state of a model.
  - 'What is not given stays as it is; an empty value clears a field.'
options:
  name:
    description:
      - 'Name of the resource, from the top.'
      - For example C(organizations/acme/models/my-model/versions/my-model-version).
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
  digest:
    description:
      - 'SHA-256 of the bytes, hexadecimal.'
      - A SHA-256 digest in lower-case hexadecimal.
      - Needed to create the resource.
      - Cannot be changed after the resource is created.
    type: str
  size_bytes:
    description:
      - 'Size of the bytes. They count to the organization''s quota of bytes from the creation of the version on.'
      - From 0 to 1099511627776 byte.
      - Cannot be changed after the resource is created.
    type: int
  stage:
    description:
      - 'How far it may decide. CANARY and LIVE need its bytes stored and, when the model has signing keys,
          its signature; LIVE is the model''s live_version alone.'
      - 'V(SHADOW) - Computes, decides nothing.'
      - V(CANARY) - Decides for a share.
      - V(LIVE) - Decides.
    type: str
    choices:
      - SHADOW
      - CANARY
      - LIVE
  metrics_millionths:
    description:
      - 'Named results of its evaluation, in millionths.'
    type: dict
  signature:
    description:
      - 'Ed25519 signature, 128 hexadecimal digits, of "patronus model version 1\n", the name, "\n", the digest and "\n".'
    type: str
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
- name: A model version
  patronus.sdwan.model_version:
    name: organizations/acme/models/my-model/versions/my-model-version
    digest: '0000000000000000000000000000000000000000000000000000000000000000'
- name: No such model version
  patronus.sdwan.model_version:
    name: organizations/acme/models/my-model/versions/my-model-version
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

KIND = "ModelVersion"
FIELDS = {
    "labels": "labels",
    "annotations": "annotations",
    "display_name": "display_name",
    "digest": "digest",
    "size_bytes": "size_bytes",
    "stage": "stage",
    "metrics_millionths": "metrics_millionths",
    "signature": "signature",
}
ARGUMENT_SPEC = {
    "name": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "force": {"type": "bool", "default": False},
    "etag": {"type": "str"},
    "labels": {"type": "dict"},
    "annotations": {"type": "dict"},
    "display_name": {"type": "str"},
    "digest": {"type": "str"},
    "size_bytes": {"type": "int"},
    "stage": {"type": "str", "choices": ["SHADOW", "CANARY", "LIVE"]},
    "metrics_millionths": {"type": "dict"},
    "signature": {"type": "str"},
}


def main():
    entry.resource(KIND, FIELDS, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
