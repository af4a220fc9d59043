from padimkit.testing import check_recipe


def test_recipe():
    check_recipe("my-plugin")
