# Copyright: Patronus maintainers
# Licence: Apache-2.0
"""The one action behind every module (meta/runtime.yml says so): the same work as the module, in the play's own process.

A module would be copied and started anew for each item of a loop, half a second each; here a loop over 300 resources
shares one connection.
"""

from __future__ import annotations

import importlib

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.patronus.sdwan.plugins.module_utils import act


class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        name = self._task.resolved_fqcn if hasattr(self._task, "resolved_fqcn") else self._task.action
        short = (name or self._task.action).rsplit(".", 1)[-1]
        module = importlib.import_module(f"ansible_collections.patronus.sdwan.plugins.modules.{short}")
        spec = {**act.CONNECTION_SPEC, **module.ARGUMENT_SPEC}
        try:
            unused, params = self.validate_argument_spec(spec)
            if short == "call":
                result.update(act.call(params, self._task.check_mode))
            elif short.endswith("_info"):
                result.update(act.info(module.KIND, params))
            else:
                result.update(act.resource(module.KIND, module.FIELDS, params, self._task.check_mode, self._task.diff))
        except act.ActError as error:
            result.update(failed=True, **error.result)
        except AnsibleActionFail as error:  # of the specification; a result, so that failed_when can look at it
            result.update(failed=True, msg=str(error), code="INVALID_ARGUMENT", reason="FIELD_INVALID")
        return result
