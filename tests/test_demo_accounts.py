"""Who exists, and who may act as whom."""

import pytest

from authproxy.demo.accounts import ADC_CLIENT_ID, Account, Accounts, federated_principal

ANNA = "anna@example.com"
ROBOT = "robot@authproxy-demo.iam.gserviceaccount.com"
TARGET = "target@authproxy-demo.iam.gserviceaccount.com"


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


@pytest.fixture
def accounts(now: list[float]) -> Accounts:
    return Accounts(lambda: now[0])


def test_subject_has_21_digits_and_stays_the_same(accounts: Accounts) -> None:
    sub = accounts.service_account(ROBOT).sub

    assert 21 == len(sub)
    assert sub.isdecimal()
    assert Account(email=ROBOT) == accounts.find_by_sub(sub)
    assert accounts.service_account(TARGET).sub != sub


def test_unknown_subject_is_nobody(accounts: Accounts) -> None:
    assert accounts.find_by_sub("1") is None


def test_access_token_stands_for_an_account_until_it_expires(
    accounts: Accounts, now: list[float]
) -> None:
    account = accounts.service_account(ROBOT)
    token = accounts.issue_access_token(account, ["iam"], 60)

    before = accounts.find_access_token(token)
    now[0] += 60

    assert before is not None
    assert (account, frozenset(["iam"])) == (before.account, before.scopes)
    assert accounts.find_access_token(token) is None
    assert accounts.find_access_token("other") is None


def test_key_is_made_once_and_can_be_replaced(accounts: Accounts) -> None:
    first = accounts.key(ROBOT)

    assert accounts.key(ROBOT) is first
    assert accounts.find_key(TARGET) is None

    accounts.replace_key(ROBOT)

    assert accounts.key(ROBOT) is not first


def test_grant_belongs_to_a_user_and_hides_its_secret(accounts: Accounts) -> None:
    token, grant = accounts.grant(ANNA, client_id=ADC_CLIENT_ID, scopes=("openid",))

    assert accounts.find_grant(token) is grant
    assert accounts.find_grant("other") is None
    assert Account(email=ANNA, is_user=True) == grant.account
    assert grant.client_secret not in repr(grant)


def test_subject_token_stands_for_a_federated_principal(accounts: Accounts) -> None:
    token = accounts.subject_token("workload")

    assert Account(email=federated_principal("workload")) == accounts.find_subject(token)
    assert accounts.find_subject("other") is None


def test_acting_as_needs_every_link_of_the_chain(accounts: Accounts) -> None:
    accounts.allow_acting_as(ROBOT, by=ANNA)
    accounts.allow_acting_as(TARGET, by=ROBOT)

    assert accounts.may_act_as(ANNA, ROBOT, [])
    assert accounts.may_act_as(ANNA, TARGET, [ROBOT])
    assert not accounts.may_act_as(ANNA, TARGET, [])

    accounts.forbid_acting_as(TARGET, by=ROBOT)

    assert not accounts.may_act_as(ANNA, TARGET, [ROBOT])


def test_status_line_counts(accounts: Accounts) -> None:
    accounts.user(ANNA)
    accounts.user(ANNA)

    assert "<Accounts [1 known]>" == repr(accounts)
