"""What Schemathesis is told here, because no description of a request can say it."""

import os

import httpx
import schemathesis
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance


class Account:
    """Sends the access token of the account that the environment names."""

    def get(self, case, ctx):
        credentials = {"email": os.environ["FUZZ_EMAIL"], "password": os.environ["FUZZ_PASSWORD"]}
        url = f"{case.operation.base_url.rstrip('/')}/api/v1/auth/token/"
        return httpx.post(url, json=credentials).json()["access"]

    def set(self, case, data, ctx):
        case.headers["Authorization"] = f"Bearer {data}"


if "FUZZ_EMAIL" in os.environ:
    # A log-out ends a log-in of its own. A token is good for ten minutes.
    of_its_own = {"cache_by_key": lambda case, ctx: case.operation.label.split("/")[-2]}
    schemathesis.auth(refresh_interval=300, **of_its_own)(Account)


@schemathesis.hook
def map_headers(context, headers):
    """Half of the conditions hold: no entity tag that is made up would."""
    if len((headers or {}).get("If-Match", "")) % 2:
        headers["If-Match"] = "*"
    return headers


@schemathesis.hook
def map_body(context, body):
    """Half of the to-dos are on no post: no slug that is made up has one."""
    if isinstance(body, dict) and isinstance(body.get("post"), str) and len(body["post"]) % 2:
        body["post"] = None
    return body


@schemathesis.check
def acceptance(ctx, response, case):
    """A request as described is accepted, but for what it refers to: rows, versions, passwords."""
    if response.status_code in (412, 422):  # 422: a key that was made up twice
        return None
    if response.status_code == 400:
        problem = response.json()
        about = set(
            problem.get("errors", ["If-Match"] if "If-Match" in problem["detail"] else [""])
        )
        if about <= {"cursor", "post", "If-Match", "password", "new", "current"}:
            return None
    return positive_data_acceptance(ctx, response, case)


@schemathesis.check
def rejection(ctx, response, case):
    """A request that is not as described is rejected, if only because it is too large."""
    return None if response.status_code == 413 else negative_data_rejection(ctx, response, case)
