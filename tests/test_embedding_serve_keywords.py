from authproxy.embedding.serve_keywords import NOT_HERE, Keywords, Service
from authproxy.embedding.subapp import WebKeywords
from authproxy.settings import ServiceSettings, Settings

AMBIGUOUS = {
    "hosts",
    "allow",
    "allow_file",
    "deny",
    "deny_file",
    "allow_origins",
    "egress_proxy",
}


def test_every_setting_is_a_keyword_but_those_of_the_log() -> None:
    of_proxy = {*Settings.model_fields} - {"services"} - set(NOT_HERE)
    of_services = {*ServiceSettings.model_fields} - {"url", "service", "log"}

    assert of_proxy | of_services == set(Keywords.__annotations__)
    assert of_services | {"url", "service"} == set(Service.__annotations__)


def test_what_both_have_is_known_to_be_ambiguous() -> None:
    both = set(Settings.model_fields) & set(ServiceSettings.model_fields)

    assert AMBIGUOUS | {"log"} == both


def test_the_keywords_of_a_part_of_an_application_are_settings_too() -> None:
    known = {*Settings.model_fields, *ServiceSettings.model_fields}

    assert known >= set(WebKeywords.__annotations__)
