from padimkit import Contract
from padimkit.testing.pytest import contract_checks

from my_plugin import MyPlugin


@contract_checks(Contract)
def test_contract(check):
    check(MyPlugin)  # or, with arguments: check(lambda: MyPlugin(...))
