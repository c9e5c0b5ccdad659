"""A vendor that slows down gets fewer calls at once, and all of them again later."""

from __future__ import annotations

from datetime import timedelta

from ml_connector.transport.concurrency import AdaptiveConcurrency

QUICK = timedelta(milliseconds=100)
SLOW = timedelta(seconds=5)


def test_delays_take_places_away_and_usual_answers_give_them_back():
    limit = AdaptiveConcurrency(10)
    for _ in range(20):
        limit.answered(0.0, QUICK)
    assert limit.places == 10

    limit.answered(100.0, SLOW)
    limit.answered(100.1, SLOW)  # of the same crowd
    assert limit.places == 7

    for _ in range(40):
        limit.answered(101.0, QUICK)
    assert limit.places == 10


def test_one_place_always_stays():
    limit = AdaptiveConcurrency(3)
    for second in range(0, 100, 10):
        limit.declined(float(second))

    assert limit.places == 1


def test_slower_within_a_second_is_no_sign():
    limit = AdaptiveConcurrency(4)
    limit.answered(0.0, timedelta(milliseconds=10))
    limit.answered(1.0, timedelta(milliseconds=900))

    assert limit.places == 4
