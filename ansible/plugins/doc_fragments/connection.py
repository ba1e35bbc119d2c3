# Copyright: Patronus maintainers
# Licence: Apache-2.0
"""How a cluster is reached: the options that every module has."""


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  server:
    description:
      - Addresses of controllers, C(host:port), separated by commas. Any of them will do; others are tried when one is silent.
      - The environment variable E(PATRONUS_SERVER) is used when it is not set, then C(127.0.0.1:7400).
    type: str
  credential:
    description:
      - File with certificate, key and CA as C(patronusd init) writes it.
      - The environment variable E(PATRONUS_CREDENTIAL) is used when it is not set, then C(~/.config/patronus/admin.pem).
    type: path
  timeout:
    description:
      - Seconds that a call may take, retries included.
    type: float
    default: 15
requirements:
  - patronus-sdwan (Python SDK)
notes:
  - The work is done where C(ansible-playbook) runs, not on the managed host, so that a loop over many resources is quick.
"""
