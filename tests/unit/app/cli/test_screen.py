from datetime import UTC, datetime, timedelta

import pytest

from ml_connector.app.cli.screen import Column, Screen
from ml_connector.app.wording import ago, due, duration, plural, short

NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(seconds=3), "3 s"),
        (timedelta(seconds=61), "1 min"),
        (timedelta(hours=2, minutes=5), "2 h 05 min"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_units(length, words):
    assert duration(length) == words


def test_moments_are_told_from_now():
    assert ago(NOW - timedelta(minutes=5), NOW) == "5 min ago"
    assert ago(NOW + timedelta(minutes=5), NOW) == "in 5 min"
    assert due(NOW - timedelta(seconds=1), NOW) == "due now"


def test_a_table_without_a_terminal_is_never_wrapped_nor_filled(capsys):
    reason = "no item GHOST-1 " * 40

    Screen().table([Column("record"), Column("reason", folds=True)], [("42", reason), ("7", "")])

    assert capsys.readouterr().out.splitlines() == [
        "record  reason",
        f"42      {reason.strip()}",
        "7",
    ]


def test_control_characters_of_a_vendor_do_not_reach_the_terminal(capsys):
    Screen().line("order \x1b[2J\x9b31m\u202e42")

    assert capsys.readouterr().out == "order ·[2J·31m·42\n"


def test_markup_in_a_record_is_shown_as_it_is(capsys):
    Screen().line("[bold]not bold[/bold] :smile:")

    assert capsys.readouterr().out == "[bold]not bold[/bold] :smile:\n"


def test_json_is_one_line_and_nothing_else(capsys):
    screen = Screen(as_json=True)

    screen.line("for people")
    screen.table([Column("a")], [("b",)])
    screen.json({"at": NOW, "for": timedelta(seconds=2)})

    assert capsys.readouterr().out == '{"at":"2026-11-21T03:00:00Z","for":"PT2S"}\n'


def test_details_are_told_without_what_is_empty():
    detail = {"key": "SO/1", "before": {"a": None}, "fields": {"hold": True, "lines": [{"n": 1}]}}

    assert short(detail) == "key: SO/1, fields: {hold: yes, lines: [{n: 1}]}"
    assert short("word " * 50, 12) == "word word w…"


def test_counts_agree_with_their_nouns():
    assert plural(1, "record") == "1 record"
    assert plural(2000, "record is", "records are") == "2,000 records are"
