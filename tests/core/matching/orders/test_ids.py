"""Ids are the same in every run, look like the venue's, and sort in the order in which they were made."""

from uuid import UUID

from engine.core.matching.orders.ids import Ids


def test_one_seed_gives_one_sequence_and_another_seed_another() -> None:
    one, again, other = Ids(7), Ids(7), Ids(8)
    assert [one.next_uuid() for _ in range(50)] == [again.next_uuid() for _ in range(50)]
    assert one.next_uuid() != other.next_uuid()


def test_uuids_are_of_version_four_and_differ() -> None:
    ids = Ids(1)
    made = [UUID(ids.next_uuid()) for _ in range(1000)]
    assert {each.version for each in made} == {4}
    assert len(set(made)) == 1000


def test_event_ids_sort_as_they_were_made_even_when_time_does_not() -> None:
    ids = Ids(1)
    instants = [1_772_461_800_000_000_000 + step * 700_000 for step in (0, 0, 1, 5, 3, 5, 9)]
    made = [ids.next_ulid(ts_ns) for ts_ns in instants]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_event_id_is_a_ulid_of_its_millisecond() -> None:
    made = Ids(1).next_ulid(1_772_461_800_123_456_789)
    letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert len(made) == 26
    number = 0
    for letter in made[:10]:
        number = number * 32 + letters.index(letter)
    assert number == 1_772_461_800_123
