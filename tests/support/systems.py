"""A system that has less than Linux, and the tests that such a system cannot pass.

With AUTHPROXY_TEST_PLATFORM=bare `scripts/test` takes away from every process what
`tests/support/bare/sitecustomize.py` names, and runs PART. What is left out of it stands in NEEDS,
with how many tests it is: a test that is gone, renamed or new there is noticed.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

IS_BARE = os.environ.get("AUTHPROXY_TEST_PLATFORM") == "bare"
FOLDER = Path(__file__).parents[1]

PART: Sequence[str] = (
    "test_cli_demo.py",
    "test_cli_main.py",
    "test_demo_runner.py",
    "test_embedding_serving.py",
    "test_event_loop.py",
    "test_exec_command.py",
    "test_identity_apart_helper.py",
    "test_identity_programs.py",
    "test_identity_google_credentials.py",
    "test_identity_sources_command.py",
    "test_identity_sources_locations.py",
    "test_observe_log_file.py",
    "test_observe_stream.py",
    "test_runtime_app.py",
    "test_runtime_deployment.py",
    "test_runtime_open_sockets.py",
    "test_runtime_process_log_output.py",
    "test_runtime_reload.py",
    "test_system_offers.py",
    "test_system_signals.py",
    "test_wire_listening_acceptor.py",
    "test_wire_listening_server.py",
    "test_wire_listening_sockets.py",
    "e2e/test_access.py",
    "e2e/test_ending.py",
    "e2e/test_start.py",
    "e2e/test_tls.py",
    "e2e/test_tokens.py",
)
"""Files below tests/ that run there, by `make test-bare`: starting, listening, tokens, ending."""

Count = Mapping[str, int]
NEEDS: Mapping[str, Mapping[str, Count]] = {
    "Unix sockets": {
        "e2e/test_access.py": {"test_a_unix_socket_has_the_mode_and_the_users_that_it_is_given": 1},
        "e2e/test_tls.py": {"test_unix_listener_beside_it_stays_plain": 1},
        "test_cli_main.py": {"test_status_says_whether_somebody_answers": 1},
        "test_runtime_app.py": {"test_unix_socket_is_for_its_owner_only": 1},
        "test_runtime_open_sockets.py": {"test_a_plan_opens_all_and_drops_all": 1},
        "test_wire_listening_acceptor.py": {
            "test_where_it_listens_is_shown[abstract]": 1,
            "test_where_it_listens_is_shown[unix]": 1,
        },
        "test_wire_listening_sockets.py": {
            "test_a_file_in_the_way_is_not_removed": 1,
            "test_a_path_that_cannot_be_a_socket_is_explained": 2,
            "test_a_socket_in_use_is_left_alone": 1,
            "test_a_socket_left_behind_is_replaced": 1,
            "test_a_unix_socket_is_for_its_owner_alone": 1,
        },
    },
    "a Python that has not imported asyncio to take something away": {
        "test_embedding_serving.py": {
            "test_the_names_of_the_package_are_found_late_and_all_of_them": 1
        },
    },
    "more sockets than select() has room for on Windows": {
        "e2e/test_tokens.py": {"test_thousands_of_first_requests_cause_one_mint": 1},
    },
    "timers that end a process": {
        "test_system_signals.py": {"test_the_system_ends_what_does_not_end_by_itself": 1},
    },
    "process groups": {
        "e2e/test_ending.py": {
            "test_a_token_command_that_hangs_is_gone_with_its_children": 2,
            "test_a_command_that_is_interrupted_leaves_no_program_behind": 1,
        },
        "test_identity_programs.py": {"test_what_a_program_left_running_goes_with_it": 1},
    },
    "aiofastnet": {
        "test_event_loop.py": {
            "test_a_certificate_is_the_same_as_with_the_standard_transports": 1,
            "test_a_connection_in_tls_reads_no_more_at_a_time_than_it_has_room_for": 1,
        },
    },
    "a limit of open files": {
        "test_wire_listening_acceptor.py": {"test_a_shortage_of_files_is_one_line_and_passes": 1},
    },
    "systemd": {"e2e/test_access.py": {"test_a_socket_that_systemd_has_opened_is_served": 1}},
    "terminals": {
        "test_runtime_reload.py": {"test_a_terminal_is_found_by_what_controls_the_process": 1},
    },
    "numbers of users": {
        "test_identity_sources_locations.py": {
            "test_what_cannot_be_used_is_passed_over_and_told[forbidden]": 1
        },
    },
    "SO_REUSEPORT": {
        "test_runtime_deployment.py": {
            f"test_a_listener_moves_without_a_moment_in_which_nobody_listens[before{n}-after{n}]": 1
            for n in (0, 1, 4)
        },
    },
    "pipes and sockets that can be written to without waiting": {
        "test_observe_log_file.py": {
            "test_a_pipe_that_is_full_is_not_waited_for_and_is_no_fault": 1,
            "test_what_cannot_be_opened_is_an_error_at_the_start": 1,
        },
        "test_observe_stream.py": {
            "test_a_full_pipe_is_not_waited_for": 1,
            "test_a_socket_is_not_waited_for": 1,
            "test_the_end_waits_for_a_slow_reader_and_not_for_a_stuck_one": 1,
        },
        "test_runtime_app.py": {"test_stuck_reader_of_the_log_holds_up_no_request": 1},
    },
    "signals beside SIGINT and SIGTERM": {
        "test_exec_command.py": {"test_signals_are_the_commands": 1},
        "test_runtime_reload.py": {
            "test_a_hangup_and_a_changed_file_reload_where_there_is_no_terminal": 1
        },
        "test_runtime_process_log_output.py": {
            "test_a_log_file_is_rotated_by_others_and_stderr_has_what_programs_wait_for": 1,
            "test_without_a_file_the_signal_that_reopens_it_does_nothing": 1,
        },
    },
    "a kernel that ends children with their parent": {
        "test_exec_command.py": {
            "test_the_command_is_killed_when_authproxy_is": 1,
            "test_what_the_command_leaves_behind_ends_with_it": 1,
        },
    },
    "a kernel that says whose a connection is": {
        "e2e/test_access.py": {
            "test_a_tcp_listener_of_this_machine_is_for_the_users_that_it_names": 1
        },
        "test_exec_command.py": {"test_another_user_gets_nothing": 1},
    },
}
"""What tests need, by file and name, and how many tests have the name."""


def needs_of(item: pytest.Item) -> str | None:
    """What the test needs that not every system has."""
    file = file_of(item)
    for need, files in NEEDS.items():
        if files.get(file, {}).keys() & {item.name, original_name(item)}:
            return need
    return None


def original_name(item: pytest.Item) -> str:
    """Without its parameters."""
    return str(getattr(item, "originalname", item.name))


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the bare system cannot pass. Raises UsageError when the table is wrong."""
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        (kept if needs_of(item) is None else left_out).append(item)
    if not config.option.keyword and not any("::" in argument for argument in config.args):
        _check(items, left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


def _check(items: Sequence[pytest.Item], left_out: Sequence[pytest.Item]) -> None:
    collected = {file_of(item) for item in items}
    wrong = []
    for file, name, count, _ in entries():
        found = sum(
            file_of(item) == file and name in (item.name, original_name(item)) for item in left_out
        )
        if file in collected and found != count:
            wrong.append(f"{file}::{name} is {found} tests, not {count}")
    if wrong:
        raise pytest.UsageError("tests/support/systems.py: " + "; ".join(wrong))


def file_of(item: pytest.Item) -> str:
    return str(item.path.relative_to(FOLDER))


def entries() -> Iterator[tuple[str, str, int, str]]:
    """File, name, count and need of all that is left out."""
    for need, files in NEEDS.items():
        for file, names in files.items():
            for name, count in names.items():
                yield file, name, count, need


def summary() -> Iterator[str]:
    """What PART leaves out, for whoever reads that it has passed."""
    chosen = [entry for entry in entries() if entry[0] in PART]
    yield f"{sum(count for _, _, count, _ in chosen)} tests of these files cannot run here:"
    for need in NEEDS:
        for file, name, count, _ in (entry for entry in chosen if entry[3] == need):
            yield f"  {need}: {file}::{name}" + f" ({count})" * (count > 1)


if __name__ == "__main__":
    print(*(f"tests/{file}" for file in PART))  # noqa: T201 -- for scripts/test
