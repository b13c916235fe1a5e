"""Trace context as the W3C recommends it: its own test suite's cases, and anything else.

The cases are those of https://github.com/w3c/trace-context/blob/main/test/test.py, told as tables.
"""

from __future__ import annotations

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace

from trunkline.api.request import headers_of
from trunkline.telemetry import tracecontext, tracing
from trunkline.telemetry.xray import dump_xray, parse_xray

TRACE = "12345678901234567890123456789012"
PARENT = "1234567890123456"
VALID = f"00-{TRACE}-{PARENT}-01"
KEY = string.ascii_lowercase + string.digits + "_-*/"
VALUE = "".join(
    chr(code) for span in ((0x20, 0x2C), (0x2D, 0x3D), (0x3E, 0x7F)) for code in range(*span)
)


def remote(event: dict[str, Any]) -> trace.SpanContext:
    """What the runtime makes of a request's headers."""
    context = tracing.from_request(event, headers_of(event))
    return trace.get_current_span(context).get_span_context()


def of_headers(*headers: tuple[str, str]) -> trace.SpanContext:
    """As API Gateway passes headers on: the last value, and all of them."""
    many: dict[str, list[str]] = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    last = {name: values[-1] for name, values in many.items()}
    return remote({"headers": last, "multiValueHeaders": many})


@pytest.mark.parametrize(
    "header",
    [
        VALID,
        f"00-{TRACE}-{PARENT}-00",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like",
        f" {VALID}",
        f"\t{VALID}",
        f"{VALID} ",
        f"{VALID}\t",
        f"\t {VALID} \t",
    ],
)
def test_valid_parent_is_followed(header: str) -> None:
    """Also one of a future version, whose further fields we cannot know."""
    context = of_headers(("traceparent", header))
    assert (context.trace_id, context.span_id) == (int(TRACE, 16), int(PARENT, 16))
    assert context.is_remote


@pytest.mark.parametrize(
    "header",
    [
        "",
        f"{VALID}.",
        f"{VALID}-what-the-future-will-be-like",
        f"{VALID}\n",
        f"cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like",
        f"cc-{TRACE}-{PARENT}-01-a\n",
        f"ff-{TRACE}-{PARENT}-01",
        f".0-{TRACE}-{PARENT}-01",
        f"0.-{TRACE}-{PARENT}-01",
        f"000-{TRACE}-{PARENT}-01",
        f"0000-{TRACE}-{PARENT}-01",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-.{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE[1:]}.-{PARENT}-01",
        f"00-{TRACE}3-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-.{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT[1:]}.-01",
        f"00-{TRACE}-{PARENT}7-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT}-.0",
        f"00-{TRACE}-{PARENT}-0.",
        f"00-{TRACE}-{PARENT}-001",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{'A' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'B' * 16}-01",
        f"{VALID},{VALID}",
        "00-١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦٧٨٩٠١٢-1234567890123456-01",
    ],
)
def test_invalid_parent_is_no_parent(header: str) -> None:
    """It is ignored as a whole, with its state: the receiver begins a trace of its own."""
    assert not of_headers(("traceparent", header), ("tracestate", "foo=1")).is_valid
    of_message = trace.get_current_span(tracing.from_traceparent(header, "foo=1"))
    assert not of_message.get_span_context().is_valid


def test_two_parents_are_none() -> None:
    """Which one would be right?"""
    other = f"00-{TRACE}-{PARENT[::-1]}-01"
    assert not of_headers(("traceparent", VALID), ("traceparent", other)).is_valid


@pytest.mark.parametrize(
    ("parent", "state"),
    [
        ("TraceParent", "TraceState"),
        ("TrAcEpArEnT", "TrAcEsTaTe"),
        ("TRACEPARENT", "TRACESTATE"),
    ],
)
def test_names_of_headers_have_no_case(parent: str, state: str) -> None:
    """HTTP's names have none."""
    context = of_headers((parent, VALID), (state, "foo=1"))
    assert context.trace_id == int(TRACE, 16)
    assert context.trace_state == {"foo": "1"}


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent"])
def test_other_names_are_not_ours(name: str) -> None:
    """Nothing but the exact name counts."""
    assert not of_headers((name, VALID)).is_valid


@pytest.mark.parametrize(("bits", "sampled"), [("00", 0), ("01", 1), ("fe", 0), ("ff", 1)])
def test_flags_that_we_do_not_know_are_neither_read_nor_sent(bits: str, sampled: int) -> None:
    """Version 00 has the sampled bit; all others are sent as zero."""
    context = of_headers(("traceparent", f"00-{TRACE}-{PARENT}-{bits}"))
    assert tracecontext.dump_parent(context) == f"00-{TRACE}-{PARENT}-0{sampled}"


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        (["foo=1,bar=2"], {"foo": "1", "bar": "2"}),
        (["foo=1", ""], {"foo": "1"}),
        (["", "foo=1"], {"foo": "1"}),
        (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], ["foo", "bar", "rojo", "congo", "baz"]),
        (["foo=1 \t , \t bar=2, \t baz=3"], {"foo": "1", "bar": "2", "baz": "3"}),
        (["\t foo=1 \t"], {"foo": "1"}),
        ([f"{KEY}={VALUE}"], {KEY: VALUE}),
        ([f"{KEY}@a-z0-9_-*/={VALUE}"], {f"{KEY}@a-z0-9_-*/": VALUE}),
        ([",".join(f"bar{n}=1" for n in range(32))], [f"bar{n}" for n in range(32)]),
        (["z" * 256 + "=1"], {"z" * 256: "1"}),
        (["t" * 241 + "@" + "v" * 14 + "=1"], {"t" * 241 + "@" + "v" * 14: "1"}),
        (["foo=" + "v" * 256], {"foo": "v" * 256}),
    ],
)
def test_valid_state_is_kept_in_order(headers: list[str], state: Any) -> None:
    """Several headers are one list."""
    found = of_headers(("traceparent", VALID), *(("tracestate", each) for each in headers))
    assert found.is_valid
    assert list(found.trace_state) == list(state)
    if isinstance(state, dict):
        assert dict(found.trace_state) == state


@pytest.mark.parametrize(
    "headers",
    [
        [""],
        ["foo=1,foo=1"],
        ["foo=1,foo=2"],
        ["foo=1", "foo=2"],
        ["foo =1"],
        ["FOO=1"],
        ["foo.bar=1"],
        ["foo@=1,bar=2"],
        ["@foo=1,bar=2"],
        ["foo@@bar=1,bar=2"],
        ["foo@bar@baz=1,bar=2"],
        ["foo=bar=baz"],
        ["foo=,bar=3"],
        ["foo"],
        [",".join(f"bar{n}=1" for n in range(33))],
        ["z" * 257 + "=1"],
        ["foo=" + "v" * 257],
        ["foo=\x7f"],
        ["foo=é"],
        ["a=" + "x" * 9000],
    ],
)
def test_invalid_state_is_dropped_alone(headers: list[str]) -> None:
    """The parent counts all the same."""
    found = of_headers(("traceparent", VALID), *(("tracestate", each) for each in headers))
    assert found.trace_id == int(TRACE, 16)
    assert dict(found.trace_state) == {}


def test_state_is_cut_by_whole_members() -> None:
    """Too much to pass on: the long members go first, then those at the end."""
    members = ["a=1", f"long={'x' * 200}", *(f"k{n}={'v' * 100}" for n in range(5))]
    context = of_headers(("traceparent", VALID), ("tracestate", ",".join(members)))
    kept = tracecontext.dump_state(context)
    assert kept == ",".join(["a=1", *members[2:6]])
    assert len(kept) <= tracecontext.MAX_STATE_LENGTH


headers = st.dictionaries(
    st.sampled_from(["traceparent", "TraceState", "tracestate", "X-Amzn-Trace-Id", "host"]),
    st.text() | st.none() | st.lists(st.text() | st.integers()) | st.just(VALID)
    | st.from_regex(tracecontext._PARENT) | st.from_regex(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*"),
)  # fmt: skip


@given(single=headers | st.text() | st.none(), many=headers | st.none())
def test_no_header_breaks_anything(single: Any, many: Any) -> None:
    """Whatever comes gives a valid context to follow, or none; what is sent on is valid again."""
    context = remote({"headers": single, "multiValueHeaders": many})
    if not context.is_valid:
        return
    sent = tracecontext.dump_parent(context)
    state = tracecontext.dump_state(context)
    again = tracecontext.parse([sent], [state] if state else [])
    assert again is not None
    assert (again.trace_id, again.span_id) == (context.trace_id, context.span_id)
    assert state is None or len(state) <= tracecontext.MAX_STATE_LENGTH


@given(
    trace_id=st.integers(1, 2**128 - 1), span_id=st.integers(1, 2**64 - 1), sampled=st.booleans()
)
def test_amazons_header_survives_the_round(trace_id: int, span_id: int, sampled: bool) -> None:
    """What we write, X-Ray and we read as the same trace, parent and decision."""
    flags = tracecontext.flags(sampled=sampled)
    context = trace.SpanContext(trace_id, span_id, is_remote=False, trace_flags=flags)
    parsed = parse_xray(dump_xray(context))
    assert parsed is not None
    assert (parsed.trace_id, parsed.parent_id, parsed.sampled) == (trace_id, span_id, sampled)
