"""What is remembered of a provider's refusals and counts."""

import pytest

from aiproxy.lessons import LESSON_SECONDS, MAX_LESSONS, MAX_MODELS, LessonBook
from aiproxy.protocol.healing import Lesson


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


LESSON = Lesson("drop", "temperature")


def test_a_lesson_holds_for_its_provider_and_model_alone():
    book = LessonBook()
    book.remember(1, "m", LESSON)

    assert book.known(1, "m") == (LESSON,)
    assert book.known(1, "other") == ()
    assert book.known(2, "m") == ()


def test_a_lesson_is_forgotten_after_some_hours():
    clock = Clock()
    book = LessonBook(clock)
    book.remember(1, "m", LESSON)
    clock.now = 3 * 3600.0
    assert book.known(1, "m") == (LESSON,)

    clock.now = LESSON_SECONDS + 1
    assert book.known(1, "m") == ()


def test_a_changed_provider_is_asked_anew():
    book = LessonBook()
    book.remember(1, "m", LESSON)
    book.observe(1, "m", 1500, 1000)
    book.forget(1)

    assert book.known(1, "m") == ()
    assert book.ratio(1, "m") == 1.0


def test_the_ratio_follows_the_provider_within_bounds():
    book = LessonBook()
    assert book.ratio(1, "m") == 1.0
    book.observe(1, "m", 1200, 1000)
    assert book.ratio(1, "m") == 1.2
    for _ in range(100):
        book.observe(1, "m", 2000, 1000)
    assert 1.49 < book.ratio(1, "m") <= 1.5
    book.observe(2, "m", 500, 1000)
    assert book.ratio(2, "m") == 0.7


@pytest.mark.parametrize(("real", "estimated"), [(90, 100), (10, 1600), (9000, 1000)])
def test_a_small_request_and_a_count_far_off_teach_no_ratio(real, estimated):
    book = LessonBook()
    book.observe(1, "m", real, estimated)

    assert book.ratio(1, "m") == 1.0


def test_memory_is_bounded():
    book = LessonBook()
    for number in range(MAX_MODELS + 10):
        book.remember(1, str(number), LESSON)

    assert book.known(1, "0") == ()
    assert book.known(1, str(MAX_MODELS + 9)) == (LESSON,)


def test_of_one_model_the_oldest_lessons_give_way():
    book = LessonBook()
    lessons = [Lesson("limit", value=number) for number in range(MAX_LESSONS + 2)]
    for lesson in lessons:
        book.remember(1, "m", lesson)

    assert book.known(1, "m") == tuple(lessons[2:])


def test_a_ratio_is_of_one_provider_and_one_model_and_moves_slowly():
    book = LessonBook()
    book.observe(1, "m", 1200, 1000)
    book.observe(1, "m", 1000, 1000)

    assert book.ratio(1, "m") == pytest.approx(1.16)
    assert book.ratio(1, "other") == 1.0
    assert book.ratio(2, "m") == 1.0
