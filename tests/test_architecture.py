"""Reads the source and holds the house together: layers, homes, sizes, one test file per module.

Rules of this file: each rule is one table or one number at the top, and an exemption that is no
longer needed fails like a broken rule.
"""

import ast
import re
import sys
import tokenize
from graphlib import TopologicalSorter
from itertools import chain
from pathlib import Path

import pytest

from authproxy import settings
from authproxy.observe.metrics import definitions
from authproxy.tables.frozen import Frozen
from tests.support import house

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "authproxy"

LAYERS = (
    ("cli", "__main__"),
    ("mcp", "exec"),
    ("embedding",),
    ("auth",),
    ("own_use",),
    ("workers",),
    ("runtime",),
    ("authorizer",),
    ("inspector",),
    ("inspector.views",),
    ("inspector.recording",),
    ("inspector.bodies",),
    ("inspector.redaction",),
    ("inspector.protobuf",),
    ("admin",),
    ("commands.doctor", "commands.tail"),
    ("commands",),
    ("export",),
    ("demo",),
    ("observe.metrics",),
    ("observe",),
    ("wire.listening",),
    ("wire.client",),
    ("wire.http2",),
    ("wire.relay",),
    ("wire.mcp",),
    ("wire.http2.headers",),
    ("wire.admission",),
    ("wire.upstream",),
    ("wire.http2.framing", "wire.http1", "wire.peers"),
    ("wire",),
    ("identity.token_cache", "identity.sources", "identity.apis"),
    ("identity.google",),
    ("identity",),
    ("identity.apart",),
    ("policy",),
    ("policy.google",),
    ("policy.mcp",),
    ("policy.messages",),
    ("policy.access",),
    ("admin_file", "file_watch"),
    ("config",),
    ("config.checks",),
    ("config.readers",),
    ("config.files",),
    ("settings",),
    ("bounds", "reporting"),
    ("fields",),
    ("tables",),
    ("values",),
    ("exchange",),
    ("loop_thread",),
    ("event_loop",),
    ("tasks",),
    ("resolver",),
    ("system", "threads"),
    ("times",),
    ("errors",),
    ("__init__",),
)
"""Top to bottom, each name a module or a package of authproxy; `__init__` is the version only.

What is below a package is in its place unless it has one of its own.
"""

HOMES = {
    "aiofastnet": {"event_loop"},
    "aiohttp": {"admin", "auth", "authorizer", "demo", "embedding", "inspector", "mcp"},
    "cachetools": {"identity", "policy"},
    "click": {"cli"},
    "cryptography": {"demo"},
    "google": {"authorizer", "identity"},
    "grpc": {"auth", "authorizer"},
    "h2": {"demo", "inspector"},
    "hpack": {"wire"},
    "httpx": {"auth"},
    "prometheus_client": {"observe"},
    "opentelemetry": {"observe"},
    "pydantic": {"config", "tables"},
    "pydantic_core": {"tables"},
    "pytest": {"embedding"},
    "requests": {"auth", "identity"},
    "rich": {"commands"},
    "yarl": {"embedding"},
}
"""Every library that the package imports, and the only parts that may."""

SANS_IO = ("wire.http1", "wire.http2.framing")
"""Packages that take bytes apart and neither do I/O nor wait."""
DOES_IO = {"aiofastnet", "asyncio", "select", "selectors", "socket", "ssl", "threading"}

MAX_MODULE_LINES = 350
MAX_FUNCTION_LINES = 50

NO_TEST_FILE = {
    "admin.inside": "a Protocol, and what it hands out",
    "embedding.carrying": "the other half of embedding.subapp, and tried with it",
    "embedding.web_sockets": "a part of embedding.subapp, and tried with it",
    "inspector.proxy_state": "what runtime hands in",
    "wire.client.interfaces": "Protocols only",
    "wire.interfaces": "Protocols only",
    "wire.http2.interfaces": "Protocols only",
    "wire.relay.pending": "the first half of wire.relay.relay, and tried with it",
    "wire.relay.interfaces": "Protocols only",
    "wire.client.rechecking": "tried with runtime.deployment, by what it ends",
}
"""Modules without a test file of their own, each with the reason."""

NO_MODULE = {
    "test_architecture": "about the source as a whole",
    "test_audit": "about scripts/audit.py",
    "test_benchmarks": "about benchmarks/",
    "test_fuzz_targets": "about fuzz/targets/",
    "test_image_root": "about scripts/image_root.py",
    "test_reliability": "about docs/reliability.md",
    "test_scaling": "about benchmarks/scaling/",
    "test_soak": "about benchmarks/soak/",
    "test_configurations": "about what a person may write",
    "test_docs": "about the documents",
    "test_ci_run": "about .ci/run",
    "test_transcripts": "about scripts/transcripts.py and its page",
    "test_man_page": "about man/",
    "test_mcp_table": "about tests/mcp_table/",
    "test_house_rules": "about what test_architecture counts",
    "test_metrics_documents": "about docs/metrics.md and deploy/grafana/",
    "test_packaging": "about the wheel",
    "test_release": "about scripts/release.py",
    "test_compiled_modules": "about those that may be compiled",
    "test_python_examples": "about the programs of docs/python.md",
    "test_wording": "about the words of messages and documents",
    "test_secrecy": "about what tests show",
    "test_security": "about the threats in docs/security.md",
}
"""Test files that belong to no module, each with what they are about."""


def module_name(path: Path) -> str:
    """`authproxy/wire/upstream/pool.py` -> `wire.upstream.pool`, a package's `__init__.py` -> the
    package's name."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}


MAY_BE_LATE = {
    # By functions that are called at the start: few have a use for it, or not every system has it.
    "authproxy.wire.listening.proxy_protocol.open_door",
    "resource",
    # More than a MiB, which many runs never need. If it fails, one connection does.
    "authproxy.wire.http2.connection.Splice",
}


def imported(tree: ast.Module) -> set[str]:
    """Every dotted name that a module imports, wherever in the file it does so."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def imported_modules(tree: ast.Module) -> set[str]:
    """The modules of authproxy that a module imports, named as in MODULES."""
    found = set()
    for dotted in imported(tree):
        if dotted.split(".")[0] == "authproxy":
            inner = dotted.removeprefix("authproxy").removeprefix(".")
            while inner and inner not in MODULES:
                inner = inner.rpartition(".")[0]
            found.add(inner or "__init__")
    return found


class AtRunTime(ast.NodeTransformer):
    """Takes out what only the type checker reads."""

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return node.orelse
        return node


def imported_libraries(name: str) -> set[str]:
    top = {dotted.split(".")[0] for dotted in imported(TREES[name])}
    return top - sys.stdlib_module_names - {"authproxy"}


def place(name: str) -> str:
    """The name in LAYERS that stands for a module: its own, or of the nearest package around it."""
    known = {part for parts in LAYERS for part in parts}
    while name not in known and "." in name:
        name = name.rpartition(".")[0]
    return name


def layer(name: str) -> int:
    """The row of LAYERS that a module is in; a larger number is further down."""
    return next(row for row, parts in enumerate(LAYERS) if place(name) in parts)


def test_every_module_is_in_a_layer() -> None:
    known = {part for parts in LAYERS for part in parts}

    assert [] == [name for name in MODULES if name.split(".")[0] not in known]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_imports_only_from_layers_below_its_own(name: str) -> None:
    upwards = [
        other
        for other in sorted(imported_modules(TREES[name]))
        if layer(other) < layer(name)
        or (layer(other) == layer(name) and "__main__" != place(name) != place(other))
    ]

    assert [] == upwards


@pytest.mark.parametrize("name", MODULES)
def test_an_import_is_written_with_its_full_name(name: str) -> None:
    relative = [
        node.lineno
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]

    assert [] == relative


def test_what_carries_requests_imports_nothing_late() -> None:
    """A process that may open no more files cannot import either, and has to say so."""
    late = {
        (name, node.lineno)
        for name in MODULES
        if name.split(".")[0] in ("exchange", "policy", "wire")
        for function in ast.walk(TREES[name])
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and {*imported(ast.Module([node], []))}.isdisjoint(MAY_BE_LATE)
    }

    assert set() == late


def test_imports_have_no_cycle_at_run_time() -> None:
    trees = {name: AtRunTime().visit(ast.parse(MODULES[name].read_text())) for name in MODULES}
    graph = {name: imported_modules(tree) - {name} for name, tree in trees.items()}

    TopologicalSorter(graph).prepare()  # raises CycleError, which names the modules


def circles(graph: dict[str, set[str]]) -> list[set[str]]:
    """Those of `graph` that reach themselves, each set with all that they reach and that reach
    them."""
    reached = {name: set(others) for name, others in graph.items()}
    for middle in graph:
        for others in reached.values():
            if middle in others:
                others |= reached[middle]
    found: list[set[str]] = []
    for name in graph:
        if name in reached[name] and not any(name in circle for circle in found):
            found.append({other for other in reached[name] if name in reached.get(other, ())})
    return found


def folder(name: str) -> str:
    """The package that a module is in, or that it is; a module of the top is by itself."""
    path = MODULES[name]
    if path.parent == PACKAGE:
        return name
    return ".".join(path.parent.relative_to(PACKAGE).parts)


def test_circles_are_found() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": {"e"}, "f": set()}

    assert [{"a", "b", "c"}, {"e"}] == circles(graph)


def test_modules_are_in_no_circle_even_with_what_only_types_need() -> None:
    graph = {name: imported_modules(TREES[name]) - {name} for name in MODULES}

    assert [] == circles(graph)


def test_folders_are_in_no_circle_even_with_what_only_types_need() -> None:
    graph: dict[str, set[str]] = {folder(name): set() for name in MODULES}
    for name in MODULES:
        graph[folder(name)] |= {folder(other) for other in imported_modules(TREES[name])}
    for name, others in graph.items():
        others.discard(name)

    assert [] == circles(graph)


@pytest.mark.parametrize(
    "name", [name for name in MODULES if f"{name}.".startswith(tuple(f"{p}." for p in SANS_IO))]
)
def test_a_reader_of_bytes_does_no_io(name: str) -> None:
    """Nor does what it imports of the data path, but for refusals, which it raises."""
    names = {dotted.split(".")[0] for dotted in imported(TREES[name])}
    path = {other for other in imported_modules(TREES[name]) if other.startswith("wire.")}

    assert set() == names & DOES_IO
    assert path <= {"wire.refusals", *(other for other in path if other.startswith(SANS_IO))}


@pytest.mark.parametrize("name", MODULES)
def test_a_library_is_imported_only_in_its_home(name: str) -> None:
    package = name.split(".")[0]
    strays = [
        library
        for library in sorted(imported_libraries(name))
        if package not in HOMES.get(library, set())
    ]

    assert [] == strays


def test_no_home_stands_empty() -> None:
    used = {
        (library, name.split(".")[0]) for name in MODULES for library in imported_libraries(name)
    }
    listed = {(library, package) for library, packages in HOMES.items() for package in packages}

    assert set() == listed - used


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_its_purpose_first(name: str) -> None:
    assert MODULES[name].read_text() == "" or ast.get_docstring(TREES[name])


@pytest.mark.parametrize("name", MODULES)
def test_a_module_fits_a_sitting(name: str) -> None:
    lines = len(MODULES[name].read_text().splitlines())

    assert lines < MAX_MODULE_LINES


@pytest.mark.parametrize("name", MODULES)
def test_a_function_fits_a_screen(name: str) -> None:
    too_long = [
        f"{node.name}: {lines} lines"
        for node in ast.walk(TREES[name])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) >= MAX_FUNCTION_LINES
    ]

    assert [] == too_long


def expected_test_files() -> dict[str, str]:
    """Each module's test file, as `test_wire_upstream_pool` for `wire.upstream.pool`."""
    return {
        name: f"test_{name.replace('.', '_')}"
        for name, path in MODULES.items()
        if path.stem not in ("__init__", "__main__")
    }


def existing_test_files() -> set[str]:
    return {path.stem for path in (ROOT / "tests").glob("test_*.py")}


def test_every_module_has_its_test_file() -> None:
    missing = {
        name
        for name, test_file in expected_test_files().items()
        if test_file not in existing_test_files()
    }

    assert set(NO_TEST_FILE) == missing


def test_every_test_file_has_its_module() -> None:
    strays = existing_test_files() - set(expected_test_files().values())

    assert set(NO_MODULE) == strays


SWITCHED_OFF = re.compile(r"noqa|type:\s*ignore|pragma:|fmt:\s*(off|skip)")
WITH_REASON = re.compile(r"-- \w")


def python_files() -> list[Path]:
    folders = ("authproxy", "tests", "scripts", "benchmarks", "fuzz")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path for path in found if ".cache" not in path.parts)


def switched_off_without_reason(path: Path) -> list[str]:
    with tokenize.open(path) as source:
        comments = [
            token
            for token in tokenize.generate_tokens(source.readline)
            if token.type == tokenize.COMMENT and SWITCHED_OFF.search(token.string)
        ]
    return [
        f"{path.relative_to(ROOT)}:{comment.start[0]}: {comment.string}"
        for comment in comments
        if not WITH_REASON.search(comment.string)
    ]


def test_every_check_that_is_switched_off_says_why() -> None:
    silent = [line for path in python_files() for line in switched_off_without_reason(path)]

    assert [] == silent


MAX_FOLDER_MODULES = 15
MAX_CLASS_LINES = 250
MAX_CLASS_ATTRIBUTES = 18

LARGE_FOLDERS = {"authproxy/demo": "a world of its own: a module for each thing that it pretends"}
"""Folders with more modules, each with the reason."""

LARGE_CLASSES = {
    "demo.google.PretendGoogle": "everything that a test may want to turn in Google",
    "demo.world.World": "everything that a test may want to turn in the world",
    "embedding.serve_keywords._OfServices": "a keyword for each setting",
    "exchange.Exchange": "a record: what is known of one exchange",
    "policy.messages.facts.RequestFacts": "a record: what is found in one request's head",
    "settings.ServiceSettings": "a field for each setting",
    "settings.Settings": "a field for each setting",
    "wire.recorder.Recorder": "a slot for each kind of thing that an observer may ask for",
}
"""Classes over either measure, each with the reason. To be shortened, never to be made longer."""

CLASSES_OF_ONE_NAME = {
    "Admission": "what one request was admitted to, and the pretend Cloud Run's rules for it",
    "Client": "narrow views of one of HTTP, and an MCP client to be told of the bridge",
    "Receiver": "who hears of a request, of an answer, of frames: each beside its reader",
    "Server": "the narrow view of it, for an exchange and for a client's connection",
    "WrongPorts": "the register, and the narrow view of it",
    "Answer": "of Google's token endpoints, of a probed service, of authproxy itself",
    "Case": "a row of a table, read only beside that table",
    "Gate": "authproxy's own, and the one of the pretend Cloud Run",
    "KeyRing": "inbound keys of clients, and signing keys of the pretend Google",
    "Stream": "of HTTP/2, at authproxy and at the pretend Cloud Run",
}
"""Public classes whose name stands in several modules, each with the reason."""

MODULES_OF_ONE_NAME = {
    "admin": "checks of its settings, and building it",
    "admission": "of one request, and the pretend Cloud Run's rules for it",
    "certificates": "reading files of them, and making some for the demo",
    "cloud_run": "Google's API for it, and what its front end says",
    "command": "the source `command:`, and the commands `doctor` and `mcp`",
    "connection": "of a client, to a service, in HTTP/2, and doctor's check of one",
    "cookies": "what a service sets, and what of it an exchange must change",
    "credentials": "how they are written, checked, made, and examined by doctor",
    "egress": "how a proxy on the way out is written, and how google-auth is told of it",
    "errors": "authproxy's own, and those of Google",
    "export": "of spans to a collector, and a configuration for another proxy",
    "inbound_keys": "read from files, and compared with what clients show",
    "listeners": "their checks, and what is built of them",
    "networks": "how they are written, and the question whether an address is in one",
    "interfaces": "the Protocols of each package of the data path",
    "proxy": "one that runs, and the one of the bridge for MCP clients",
    "replies": "authproxy's own answers, in HTTP/1.1 and in HTTP/2",
    "retry": "rules and pauses; and their use for one exchange, with sending it again",
    "runner": "of doctor's checks, and of the demo",
    "secret_manager": "authproxy's client of it, and the pretend one",
    "services": "their checks, and what is built of them",
    "session": "google-auth's of requests, and the one of an MCP client and a server",
    "settings": "a configuration's, and those of HTTP/2's SETTINGS frame",
    "status": "of tokens, and the command",
    "tls": "towards clients, and towards services",
    "transport": "of bytes between sockets, and google-auth's for requests to Google",
}
"""Module names that stand in several folders, each with the reason."""

UNDOCUMENTED: dict[str, str] = {}
"""Methods of Protocols without a docstring, each with the reason."""

GLOBAL_STATE: dict[str, str] = {}
"""State that belongs to no object, each with the reason: caches of pure functions only."""

HANDED_IN = {
    "ConnectionCounter": {"runtime.process.counters"},
    "Machine": {
        "auth.minting",
        "cli.context",
        "embedding.serving",
        "mcp.command",
        "runtime.app",
        "workers.worker",
    },
    "Programs": {"identity.machine"},
    "RateLimiter": {"runtime.process.counters", "workers.counts.shared_rates"},
    "Skew": {
        "auth.minting",
        "identity.machine",
        "identity.sources.inspection",  # the doctor's look at one answer
        "identity.token_cache.cache",  # where nobody has given it one
    },
    "Sources": {"auth.minting", "runtime.proxy"},
    "TlsContexts": {"runtime.sources"},
    "TokenCache": {"auth.minting", "runtime.proxy"},
    "WrongKeyCounter": {
        "admin.application",
        "runtime.process.counters",
        "workers.counts.shared_rates",
    },  # of the admin key, and of keys
}
"""What a process, or several of them, must share, and the only modules that may make one."""


PACKAGES = {
    name: path
    for name, path in MODULES.items()
    if path.name == "__init__.py" and path.parent != PACKAGE
}


def test_no_folder_has_too_many_modules() -> None:
    folders = house.modules_by_folder(str(path.relative_to(ROOT)) for path in MODULES.values())

    assert set(LARGE_FOLDERS) == {
        folder for folder, count in folders.items() if count > MAX_FOLDER_MODULES
    }


def test_no_class_is_too_large_to_be_held_in_mind() -> None:
    over = house.classes_over(TREES, MAX_CLASS_LINES, MAX_CLASS_ATTRIBUTES)

    assert set(LARGE_CLASSES) == over


def test_a_class_has_a_name_of_its_own() -> None:
    assert set(CLASSES_OF_ONE_NAME) == set(house.classes_of_one_name(TREES))


def test_a_module_whose_name_stands_elsewhere_too_says_why() -> None:
    names = [name for name, path in MODULES.items() if not path.name.startswith("__")]

    assert set(MODULES_OF_ONE_NAME) == set(house.modules_of_one_name(names))


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_says_what_is_in_it(name: str) -> None:
    within = [path.stem for path in PACKAGES[name].parent.glob("*.py") if path.stem[:2] != "__"]

    assert [] == house.unnamed(ast.get_docstring(TREES[name]) or "", within)


def test_every_method_of_a_protocol_says_what_goes_in_and_comes_out() -> None:
    assert set(UNDOCUMENTED) == house.undocumented_protocol_methods(TREES)


@pytest.mark.parametrize("name", HANDED_IN)
def test_what_is_shared_is_made_in_one_place_and_handed_in(name: str) -> None:
    assert HANDED_IN[name] == house.makers(TREES, name)


def test_every_method_of_a_protocol_says_what_its_numbers_and_results_mean() -> None:
    assert set() == house.unclear_protocol_methods(TREES)


def test_nothing_that_changes_is_global() -> None:
    changed = {f"{name}.{each}" for name in TREES for each in house.changed_globals(TREES[name])}

    assert set(GLOBAL_STATE) == changed | house.instances_that_change(TREES)


REACHES: dict[str, str] = {}
"""Tests that reach for names of ours with an underscore, and for which. Never to be made longer."""

PATCHED: dict[str, str] = {}
"""Tests that patch constants of ours, and which. Never to be made longer."""

TEST_TREES = {
    str(path.relative_to(ROOT / "tests")): ast.parse(path.read_text())
    for path in sorted((ROOT / "tests").rglob("*.py"))
    if "contracts" not in path.parts
}
"""Tests in contracts/ are about libraries, whose inside they must know."""


def test_no_test_reaches_for_what_is_private() -> None:
    found = {
        name: " ".join(sorted(house.private_reaches(tree) | house.private_imports(tree)))
        for name, tree in TEST_TREES.items()
    }

    assert {name: names for name, names in found.items() if names} == REACHES


def test_no_test_patches_what_is_ours() -> None:
    found = {
        name: "; ".join(sorted(house.patches_of_ours(tree))) for name, tree in TEST_TREES.items()
    }

    assert {name: names for name, names in found.items() if names} == PATCHED


ABSENT = re.compile(
    r"(?:^|[\s:=])/(?:n|no|nowhere|absent|missing|nonexistent|does-not-exist)(?:/|$)"
)


def test_what_no_test_may_find_is_where_nobody_can_make_it() -> None:
    """CI is root, and what it runs beside the tests makes folders: below /proc it cannot."""
    found = {
        name: sorted(text for text in house.texts(tree) if ABSENT.search(text))
        for name, tree in TEST_TREES.items()
    }

    assert {name: texts for name, texts in found.items() if texts} == {}


WITH_NAMES = [*python_files(), ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_a_module_that_prose_names_exists() -> None:
    found = {}
    for path in WITH_NAMES:
        text = path.read_text()
        if path.suffix == ".py":
            tree = ast.parse(text)
            stale = house.stale_names(house.prose_of(text), TREES, house.identifiers_of(tree))
        else:
            stale = house.stale_names([text], TREES)
        if stale:
            found[str(path.relative_to(ROOT))] = stale

    assert {} == found


@pytest.mark.parametrize(
    "page", [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=lambda p: p.name
)
def test_a_file_that_a_document_names_exists(page: Path) -> None:
    assert set() == house.stale_paths(page.read_text(), (ROOT, PACKAGE, ROOT / "tests"))


GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()

ORDINARY_WORDS = """
aborted accepted account add admitted age agent alive allow api auth authproxy before body build
byte ca cache cert check choice code collector config connect connection count counter data delay
deny description draining duration error event expiry failed failing failure field filter finished
first forked format forwarded frozen google grpc handshake header host http2 idle info inspect keep
keyword last level limiter listed listen local log maker manager memory message method metric min
mode need note notification opened option other output per project protobuf protocol quit received
refused remove replaced reply request retry rpc scraper second sent server set setting sha256 slow
socket stack started state status stream strip style success task text thread time timeout timer
timestamp tls total tracing try type uid url usable user variable version view wait waiting writer
"""
"""Words of programming, and of HTTP and TLS, that mean here what they mean everywhere."""


def test_each_term_of_the_glossary_is_a_word_of_the_code() -> None:
    code = "\n".join(path.read_text() for path in MODULES.values())

    assert [] == house.terms_without_use(GLOSSARY, code)


def test_no_term_of_the_glossary_is_explained_twice() -> None:
    terms = house.glossary_terms(GLOSSARY)

    assert sorted(set(terms)) == sorted(terms)


def test_the_glossary_is_in_order() -> None:
    terms = house.glossary_terms(GLOSSARY)

    assert sorted(terms) == terms


def concepts() -> dict[str, set[str]]:
    """Words that whoever works on one room, or runs authproxy, meets in a sense of ours: what
    classes of other rooms are called, and the words in names of settings and metrics."""
    trees = {name: tree for name, tree in TREES.items() if name.split(".")[0] != "demo"}
    found = house.shared_nouns(trees, folder)
    tables = [each for each in vars(settings).values() if isinstance(each, type)]
    fields = [each.model_fields for each in tables if issubclass(each, Frozen)]
    metrics = [
        each.name for each in vars(definitions).values() if isinstance(each, definitions.Definition)
    ]
    for name in chain(*fields, metrics):
        for word in house.words_of(name):
            found.setdefault(word, set()).add(name)
    return found


def test_every_concept_is_explained_or_an_ordinary_word() -> None:
    """Explain a new word in docs/glossary.md; if it means what it means everywhere, name it in
    ORDINARY_WORDS. Better still, use the word that is there."""
    found = concepts()
    left = house.unexplained(found, GLOSSARY)

    ordinary = set(ORDINARY_WORDS.split())

    assert {} == {word: found[word] for word in left - ordinary}
    assert set() == ordinary - left, "not needed any more"
