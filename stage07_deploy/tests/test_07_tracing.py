"""That one trace leads from a request through its SQL to the job that it asked for, if wanted."""

import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from test_06_proofs import POSTS, STAGE, Jobs, Mails, wait_for


class Collector(ThreadingHTTPServer):
    """Takes spans as OTLP over HTTP has it, and keeps them."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Taker)
        self.spans = []
        # Milliseconds, instead of five seconds.
        self.environment = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def trace_of(self, request_id):
        """The request's own span, and all of the same trace."""
        for span in self.spans:
            if attributes(span).get("request_id") == request_id:
                return span, [each for each in self.spans if each.trace_id == span.trace_id]
        return None, []


class Taker(BaseHTTPRequestHandler):
    def do_POST(self):
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def attributes(span):
    return {each.key: each.value.string_value for each in span.attributes}


def statement(span):
    return attributes(span).get("db.statement", "")


@pytest.fixture(scope="module")
def collector():
    with Collector() as server:
        threading.Thread(target=server.serve_forever).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def traced(start_web, collector):
    return start_web(**collector.environment)


@pytest.fixture
def worked(collector, database_url, tmp_path):
    """With workers and beat, which are traced; yields the mails that they send."""
    mails = Mails()
    mails.start()
    own = {"DATABASE_URL": database_url, "EMAIL_URL": mails.url}
    jobs = Jobs(tmp_path, **own, **collector.environment)
    jobs.start()
    yield mails
    jobs.kill()
    mails.stop()


def test_comment__traced__is_one_trace_from_the_request_to_the_mail(
    collector, traced, worked, new_post
):
    slug, request_id = new_post(published=True)["slug"], uuid4().hex
    with traced.logged_in("bob@example.com") as bob:
        url, headers = f"{POSTS}{slug}/comments/", {"X-Request-ID": request_id}
        said = bob.post(url, json={"body": "Between us."}, headers=headers)
    assert said.status_code == 201
    wait_for(lambda: worked.about(slug), "no mail came")

    def find(begin, kind):
        spans = collector.trace_of(request_id)[1]
        found = [span for span in spans if (statement(span) or span.name).startswith(begin)]
        return next((span for span in found if span.kind == kind), None)

    deleted = wait_for(
        lambda: find('DELETE FROM "outbox_message"', Span.SPAN_KIND_CLIENT), "no trace so far"
    )
    request, spans = collector.trace_of(request_id)
    by_id = {span.span_id: span for span in spans}

    def came_from(span):
        return by_id.get(span.parent_span_id)

    assert request.name.startswith("POST api/")
    for table in ("blog_comment", "outbox_message"):
        insert = find(f'INSERT INTO "{table}"', Span.SPAN_KIND_CLIENT)
        assert came_from(insert) == request
    # The outbox was looked at by the job that sends what is due, which is in no trace.
    job = came_from(deleted)
    assert job == find("run/blog.mails.mail_comment", Span.SPAN_KIND_CONSUMER)
    assert came_from(came_from(job)) == request
    begun = [span for span in collector.spans if not span.parent_span_id]
    assert {span.kind for span in begun} == {Span.SPAN_KIND_SERVER}
    assert "Between us." not in str(spans)


def test_request__refused_before_any_view__is_a_problem_all_the_same(traced, problem):
    with traced.client() as client:
        refused = client.get(POSTS, headers={"Host": "elsewhere.example"})

    problem(refused, 400)
    assert refused.headers["X-Request-ID"]


def test_collector__away__is_not_missed(start_web):
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1", "OTEL_BSP_SCHEDULE_DELAY": "1"}
    with start_web(**away).client() as client:
        for _ in range(20):
            response = client.get(POSTS)
            assert response.status_code == 200
            assert response.elapsed.total_seconds() < 1


def test_tracing__not_asked_for__touches_nothing():
    code = "import sys, config.wsgi; print('opentelemetry.instrumentation' in sys.modules)"

    done = subprocess.check_output([sys.executable, "-c", code], cwd=STAGE, text=True)

    assert done == "False\n"
