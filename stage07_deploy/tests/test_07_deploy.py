"""What the deploy layer promises of each process; the stack is tested in containers, beside."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

STAGE = Path(__file__).resolve().parent.parent
NOWHERE = "postgres://nobody:secret@127.0.0.1:1/none"
STRONG = {
    "PRODUCTION": "true",
    "DEBUG": "false",
    "ALLOWED_HOSTS": "localhost,127.0.0.1",
    "DATABASE_URL": NOWHERE,
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "JWT_SIGNING_KEY": "0123456789" * 5,
    "PUBLIC_URL": "https://localhost",
    "REDIS_URL": "redis://127.0.0.1:1",
    "SECRET_KEY": "9876543210" * 5,
}
WORKFLOW = "../.github/workflows/ci.yml"
COMMANDS = ("backup", "certify", "deploy", "init", "restore")
MANIFESTS = [
    path.relative_to(STAGE)
    for path in sorted((STAGE / "ops/kubernetes").glob("*.yaml"))
    if path.stem not in ("hardened", "kustomization", "migrated")
]
TLS = {"X-Forwarded-Proto": "https"}
POSTS = "/api/v1/posts/"


def manage(*args, **environment):
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=STAGE,
        env={**os.environ, **STRONG, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "faults"),
    [
        ({"SECRET_KEY": ""}, ["SECRET_KEY is missing"]),
        ({"SECRET_KEY": "short"}, ["SECRET_KEY is weak: give it 50 random characters"]),
        ({"JWT_SIGNING_KEY": "a" * 60}, ["JWT_SIGNING_KEY is weak: give it 50 random characters"]),
        (
            {"JWT_SIGNING_KEY": STRONG["SECRET_KEY"]},
            ["SECRET_KEY and JWT_SIGNING_KEY are the same: what leaks one would leak the other"],
        ),
        ({"SECRET_KEY_FILE": "/nowhere"}, ["SECRET_KEY is missing"]),
        ({"DEBUG": "true"}, ["DEBUG is on"]),
        ({"ALLOWED_HOSTS": ""}, ["ALLOWED_HOSTS is missing"]),
        (
            {"ALLOWED_HOSTS": "*"},
            ["ALLOWED_HOSTS is open to any name: list those of this service"],
        ),
        ({"PUBLIC_URL": "http://localhost"}, ["PUBLIC_URL is no https:// address"]),
        ({"PUBLIC_URL": "https://"}, ["PUBLIC_URL is no https:// address"]),
        ({"JOB_SECONDS": "ten"}, ["JOB_SECONDS is no number"]),
        (
            {"DATABASE_URL": "postgres://h", "REDIS_URL": "redis://h/a", "BROKER_URL": "redi//h"},
            [
                "DATABASE_URL is no URL of the form postgres://user:password@host:port/name",
                "REDIS_URL is no URL of the form redis://user:password@host:port/0",
                "BROKER_URL is no URL of the form redis://user:password@host:port/0",
            ],
        ),
        (
            {"DATABASE_URL": "postgres://:secret@", "REDIS_URL": "redis://h:port", "EMAIL_URL": ""},
            [
                "DATABASE_URL is no URL of the form postgres://user:password@host:port/name",
                "REDIS_URL is no URL of the form redis://user:password@host:port/0",
                "EMAIL_URL is missing",
            ],
        ),
    ],
)
def test_settings__unfit_for_production__refuse_with_a_line_for_each_fault(environment, faults):
    done = manage("check", **environment)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"settings: {fault}" for fault in faults]
    assert "secret@" not in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "EMAIL_URL"])
def test_settings__secret_in_a_file_with_a_line_break__are_refused(tmp_path, name):
    file = tmp_path / "secret"
    file.write_text(f"{STRONG[name]}\n")

    done = manage("check", **{f"{name}_FILE": str(file)})

    assert f"{name} ends in white space" in done.stderr


def test_settings__fit__pass_the_check_of_deployments_without_a_word():
    done = manage("check", "--deploy", "--fail-level", "WARNING")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("System check identified no issues")


@pytest.fixture(scope="module")
def production(start_web, database_url):
    """A web process with the settings of production, without the proxy before it."""
    own = {name: os.environ[name] for name in ("REDIS_URL",)}
    return start_web(**{**STRONG, "DATABASE_URL": database_url, **own})


def test_probes__all_is_there__are_200(web):
    with web.client() as client:
        assert client.get("/healthz").status_code == 200
        ready = client.get("/readyz")

    assert ready.status_code == 200
    names = ("database", "migrations", "cache", "broker")
    assert ready.json() == dict.fromkeys(names, "ok")


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({"DATABASE_URL": NOWHERE}, {"database", "migrations"}),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, {"cache", "broker"}),
    ],
)
def test_ready__something_is_not_there__names_it_and_stays_alive(start_web, environment, missing):
    with start_web(**environment).client() as client:
        ready = client.get("/readyz")
        assert client.get("/healthz").status_code == 200

    assert ready.status_code == 503
    assert {name for name, state in ready.json().items() if state != "ok"} == missing
    assert ready.elapsed.total_seconds() < 8


def test_ready__broker_is_not_there__names_it_and_is_200(start_web):
    with start_web(BROKER_URL="redis://127.0.0.1:1").client() as client:
        ready = client.get("/readyz")

    assert ready.status_code == 200
    assert {name for name, state in ready.json().items() if state != "ok"} == {"broker"}


def test_health__draining__is_503_and_requests_are_still_answered(start_web, tmp_path):
    drain = tmp_path / "draining"
    with start_web(DRAIN_FILE=str(drain)).client() as client:
        drain.touch()
        assert client.get("/healthz").status_code == 503
        assert client.get(POSTS).status_code == 200
        drain.unlink()
        assert client.get("/healthz").status_code == 200


def test_production__without_tls__redirects(production):
    with production.client() as client:
        response = client.get(POSTS)

    assert response.status_code == 301
    assert response.headers["Location"].startswith("https://")


def test_production__answer__has_the_headers_of_security(production):
    with production.client() as client:
        data, page = (
            client.get("/", headers={**TLS, "Accept": accept}).headers
            for accept in ("application/json", "text/html")
        )

    assert data["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "script-src 'self';" in page["Content-Security-Policy"]
    for headers in (data, page):
        assert headers["Strict-Transport-Security"].startswith("max-age=31536000")
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "camera=()" in headers["Permissions-Policy"]


def test_production__log__is_json_with_the_id_of_the_request(production):
    with production.client() as client:
        client.get(f"{POSTS}nowhere/", headers={**TLS, "X-Request-ID": "find-me-in-the-log"})

    lines = [json.loads(line) for line in production.log.read_text().splitlines() if "{" in line]
    (line,) = [line for line in lines if line["request_id"] == "find-me-in-the-log"]
    assert line["status"] == 404
    assert line["event"].startswith(f"GET {POSTS}nowhere/ 404")
    assert {"level", "logger", "timestamp", "milliseconds"} <= line.keys()


def test_production__traceback__is_in_the_log_without_local_variables():
    code = """
import logging

def log_in(password):
    raise RuntimeError("no such account")

try:
    log_in("quokka on a hill")
except RuntimeError:
    logging.exception("failed")
"""
    done = manage("shell", "--command", code)

    (line,) = [json.loads(line) for line in done.stderr.splitlines() if "failed" in line]
    (traceback,) = line["exception"]
    assert traceback["exc_value"] == "no such account"
    assert traceback["frames"][-1]["name"] == "log_in"
    assert "quokka" not in done.stderr


def test_metrics__after_requests__count_them_by_route_and_not_by_path(start_web):
    with start_web().client() as client:
        for number in range(3):
            client.get(f"{POSTS}nowhere-{number}/")
        client.get(POSTS)
        client.request("BREW", POSTS)
        text = client.get("/metrics").text

    route = 'route="api/<version>/posts/<slug:slug>/"'
    assert f'http_request_seconds_count{{method="GET",{route},status="404"}} 3.0' in text
    assert 'http_request_queries_count{route="api/<version>/posts/"} 1.0' in text
    assert f"http_request_queries_count{{{route}}}" not in text
    assert 'method="other"' in text
    assert "nowhere" not in text
    assert "BREW" not in text


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        ["kubernetes-validate", "--strict", *map(str, MANIFESTS)],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW],
        ["zizmor", "--offline", "--no-progress", WORKFLOW],
        ["checkov", "--config-file", "ops/checkov.yaml"],
        ["shellcheck", *(f"ops/{name}" for name in COMMANDS)],
        ["promtool", "test", "rules", "ops/monitoring/alerts_test.yaml"],
        ["promtool", "check", "config", "ops/monitoring/prometheus.yaml"],
    ],
    ids=lambda command: command[0],
)
def test_files__by_the_tool_of_their_kind__have_no_fault(command):
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")

    done = subprocess.run(command, cwd=STAGE, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def test_compose__of_what_env_example_offers__passes_on_all_but_what_is_named_there():
    offered = re.findall(r"^([A-Z_]+)=", (STAGE / ".env.example").read_text(), re.MULTILINE)
    app = yaml.safe_load((STAGE / "compose.yaml").read_text())["x-app"]
    secrets = {name.upper() for name in app["secrets"]}
    named = {"BROKER_URL", "DEBUG", "MEDIA_ROOT", "NUM_PROXIES"}

    service = set(offered[: offered.index("PRODUCTION")])

    assert service - secrets - named <= app["environment"].keys()


def test_manifests__put_together__are_valid(tmp_path):
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", "ops/kubernetes"]
    built = tmp_path / "all.yaml"
    built.write_bytes(subprocess.run(command, cwd=STAGE, stdout=subprocess.PIPE, check=True).stdout)

    subprocess.run(["kubernetes-validate", "--strict", "--quiet", str(built)], check=True)

    pods = [
        each for each in yaml.safe_load_all(built.read_text()) if "template" in each.get("spec", {})
    ]
    assert len(pods) == 6
    for pod in pods:
        spec = pod["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        waits = spec.get("initContainers", [])
        for container in [*waits, *spec["containers"]]:
            assert container["securityContext"]["readOnlyRootFilesystem"]
        assert bool(waits) == (pod["kind"] == "Deployment")
