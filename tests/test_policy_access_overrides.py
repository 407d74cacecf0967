from authproxy.policy.access.overrides import METHOD_FIELDS, OVERRIDES, PATH_FIELDS


def test_a_name_is_known_with_hyphens_underscores_and_a_mixture() -> None:
    spelled = {b"x-http-method-override", b"x_http_method_override", b"x-http_method-override"}

    assert METHOD_FIELDS >= spelled
    assert PATH_FIELDS >= {b"x-original-url", b"x_original_url", b"script_name"}
    assert METHOD_FIELDS | PATH_FIELDS == OVERRIDES
    assert all(name == name.lower() for name in OVERRIDES)
