# Copyright: Patronus maintainers
# Licence: Apache-2.0
"""The way in when a module runs as a process of its own. Usually plugins/action/resource.py takes its place."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.patronus.sdwan.plugins.module_utils import act


def run(spec, work):
    module = AnsibleModule(argument_spec={**act.CONNECTION_SPEC, **spec}, supports_check_mode=True)
    try:
        module.exit_json(**work(module))
    except act.ActError as error:
        module.fail_json(**error.result)


def resource(kind, fields, spec):
    run(spec, lambda module: act.resource(kind, fields, module.params, module.check_mode, module._diff))


def info(kind, fields, spec):
    run(spec, lambda module: act.info(kind, module.params))


def call(kind, fields, spec):
    run(spec, lambda module: act.call(module.params, module.check_mode))
