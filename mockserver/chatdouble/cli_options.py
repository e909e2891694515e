"""Options that say who gets in, and for how long."""

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
        "--request-timeout",
        default=20.0,
        show_default=True,
        type=click.FloatRange(0, min_open=True),
        metavar="SECONDS",
        help="How long a request may take to come whole; then its connection is closed.",
    ),
)

CONTROL_TOKEN = click.option(
    "--control-token",
    envvar="CHATDOUBLE_CONTROL_TOKEN",
    show_envvar=True,
    metavar="TOKEN",
    help="What users of the control API must bring, as a bearer token. Others on this machine can "
    "see it here, but not in the environment.",
)
