"""Options that commands share."""

from __future__ import annotations

import click

LISTENING = (
    click.option(
        "--allowed-host",
        "allowed_hosts",
        multiple=True,
        metavar="NAME",
        help="A further name or address of this server, repeatable. Where web pages are kept "
        "out, it answers only to its own names: loopback, --host and these.",
    ),
    click.option(
        "--metrics",
        is_flag=True,
        help="Serve figures for Prometheus at /metrics; needs chatdouble[metrics].",
    ),
    click.option(
        "--request-timeout",
        default=20.0,
        show_default=True,
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long a request may take to come whole; then its connection is closed.",
    ),
)

WORKERS = click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Processes that answer on the port. Each has its own counts, journal and stored "
    "completions, so scripts that count calls are refused; there is no control API.",
)

CONTROL_TOKEN = click.option(
    "--control-token",
    envvar="CHATDOUBLE_CONTROL_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="What users of the control API must bring, as a bearer token. Others on this machine can "
    "see it here, but not in the environment.",
)
