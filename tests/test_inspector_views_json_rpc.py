import json

from authproxy.inspector.views.json_rpc import MOST, pairs


def call(**members: object) -> str:
    return json.dumps({"jsonrpc": "2.0", **members})


def test_calls_are_paired_with_their_answers() -> None:
    asked = [call(id=1, method="tools/call", params={"name": "a"}), call(method="notify")]
    answered = [
        call(method="log", params=[1]),
        call(id=9, result="nobody's"),
        call(id=1, error={"code": -32000}),
    ]

    assert [
        {
            "from": "client",
            "method": "tools/call",
            "id": 1,
            "params": {"name": "a"},
            "error": {"code": -32000},
        },
        {"from": "client", "method": "notify", "id": None, "params": None},
        {"from": "service", "method": "log", "id": None, "params": [1]},
    ] == pairs(asked, answered)


def test_batches_are_taken_apart() -> None:
    batch = f"[{call(id='a', method='x')}, {call(id='b', method='y')}]"

    found = pairs([batch], [f"[{call(id='b', result=2)}]", call(id="a", result=1)])

    assert [1, 2] == [each["result"] for each in found]


def test_other_texts_are_passed_over() -> None:
    odd = ["", "hello", "[1, null]", '{"id": 1}', "[" * 100_000, call(id=[1], result=2)]

    assert [] == pairs(odd, odd)
    assert MOST == len(pairs([call(id=n, method="x") for n in range(2 * MOST)], []))
