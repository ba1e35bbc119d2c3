#!/usr/bin/python
# Copyright: Patronus maintainers
# Licence: Apache-2.0

DOCUMENTATION = r"""
---
module: call
short_description: Call a method that is not one of the standard ones
description:
  - Methods beside create, read, list, update and delete, for example of C(ClusterService).
  - A watch gives the first events that come.
options:
  method:
    description:
      - Service and method, for example V(ClusterService.GetClusterStatus) or V(WatchService.Watch).
    type: str
    required: true
  request:
    description:
      - Fields of the request, with the schema's names.
    type: dict
  requests:
    description:
      - Of a method that takes a stream, what is sent, in order; C(bytes) in Base64, for example by P(ansible.builtin.b64encode#filter).
    type: list
    elements: dict
  messages:
    description:
      - Of a method that answers with a stream, how many messages to wait for.
    type: int
    default: 1
attributes:
  check_mode:
    description: Nothing that could change something is called.
    details: Only methods whose name begins with Get or List, and watches, are called.
    support: partial
  diff_mode:
    description: There is nothing to compare.
    support: none
author:
  - 'Patronus maintainers (@patronus-sdwan)'
extends_documentation_fragment:
  - patronus.sdwan.connection
"""

EXAMPLES = r"""
- name: See how the cluster is
  patronus.sdwan.call:
    method: ClusterService.GetClusterStatus
  register: status
- name: Let another controller lead
  patronus.sdwan.call:
    method: ClusterService.TransferLeadership
    request:
      controller: c2
"""

RETURN = r"""
replies:
  description: The reply, or the messages of the stream.
  type: list
  elements: dict
  returned: success
"""

from ansible_collections.patronus.sdwan.plugins.module_utils import entry

ARGUMENT_SPEC = {
    "method": {"type": "str", "required": True},
    "request": {"type": "dict"},
    "requests": {"type": "list", "elements": "dict"},
    "messages": {"type": "int", "default": 1},
}


def main():
    entry.call(None, None, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
