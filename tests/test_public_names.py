import padimkit


def test_every_public_name_is_there():
    for name in padimkit.__all__:
        assert getattr(padimkit, name).__name__ == name
    assert set(padimkit.__all__) == set(dir(padimkit))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(padimkit, "NoSuchThing")
