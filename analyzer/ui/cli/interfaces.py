"""``sipcause interfaces``: what ``sipcause live -i`` can listen to."""

from __future__ import annotations

import click

from analyzer.views.words import LANGUAGES


@click.command()
@click.option("--lang", type=click.Choice(LANGUAGES), default="en", show_default=True, help="Language of the table.")
@click.option("--json", "as_json", is_flag=True, help="The list as JSON, one interface a line.")
def interfaces(lang: str, as_json: bool) -> None:
    """The network interfaces of this machine, and whether they can be listened to.

    One that is down can: frames come once it is up.
    """
    from analyzer.capture.interfaces import how_to_be_allowed, may_capture
    from analyzer.capture.interfaces import interfaces as listed

    found = listed()
    is_allowed = may_capture()
    if as_json:
        from analyzer.ui.cli.records import write_records
        from analyzer.views.interfaces import interface_record

        write_records((), (interface_record(interface, is_allowed) for interface in found), "json")
        return
    from analyzer.ui.cli.printing import Screen
    from analyzer.views.interfaces import interfaces_table
    from analyzer.views.words import words

    Screen(is_list=True).table(interfaces_table(found, None if is_allowed else how_to_be_allowed(), words(lang)))
