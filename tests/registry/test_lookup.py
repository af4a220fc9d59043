import pytest

from padimkit.errors import AmbiguousPlugin, BadArgument, UnknownPlugin
from padimkit.registry.registry import find_plugin

TWIN = {"twin": "twin:Twin"}


@pytest.mark.parametrize(
    "name", ["pca", "padimkit:pca", "reducers/pca", "reducer/pca", "reducers/padimkit:pca", "PadimKit:pca"]
)
def test_a_plugin_is_found_by_each_of_its_names(name):
    plugin = find_plugin(name)
    assert (plugin.family, plugin.full_name) == ("reducers", "padimkit:pca")


def test_a_name_in_several_families_needs_the_family(install):
    install("stranger", {"odd": "twin:Twin"})
    install("other", {"odd": "twin:Twin"}, group="padimkit.densities")
    with pytest.raises(AmbiguousPlugin, match='Use one of "reducers/odd", "densities/odd"'):
        find_plugin("odd")
    assert find_plugin("reducers/odd").distribution == "stranger"
    assert find_plugin("density/odd").distribution == "other"
    assert find_plugin("stranger:odd").family == "reducers"


def test_a_name_of_padimkit_needs_no_family_whatever_other_families_have(install):
    install("stranger", {"gaussian": "twin:Twin"})
    assert find_plugin("gaussian").family == "densities"
    assert find_plugin("reducers/gaussian").distribution == "stranger"


def test_a_name_of_several_distributions_needs_the_distribution(install):
    install("first", TWIN)
    install("second", TWIN)
    with pytest.raises(AmbiguousPlugin, match='"reducers/first:twin", "reducers/second:twin"'):
        find_plugin("twin")
    assert find_plugin("reducers/second:twin").distribution == "second"


def test_what_does_not_exist_is_refused_with_near_misses():
    with pytest.raises(UnknownPlugin, match="'gaussian'.*padimkit plugins list"):
        find_plugin("gausian")
    with pytest.raises(UnknownPlugin, match='There is no plugin "zzzzz". List all'):
        find_plugin("zzzzz")
    with pytest.raises(BadArgument, match="no family \"densty\".*'density'"):
        find_plugin("densty/gaussian")
