"""The trie answers what the standard's matching rules say, and so does the retained store."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millwright.devices.mqtt.packets import RetainedMessage
from millwright.devices.mqtt.retained import Retained
from millwright.devices.mqtt.subscriptions import Subscriptions
from millwright.devices.mqtt.topics import matches, to_external, to_internal

level = st.sampled_from(["a", "b", "", "$x"])
topics = st.lists(level, min_size=1, max_size=4).map("/".join).filter(bool)
filters = (
    st.tuples(st.lists(st.one_of(level, st.just("+")), max_size=4), st.booleans())
    .map(lambda parts: "/".join(parts[0] + (["#"] if parts[1] else [])))
    .filter(bool)
)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", True),
        ("sport/#", "sport", True),
        ("#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("$SYS/+", "$SYS/uptime", True),
        ("a/#", "ab", False),
        ("a", "A", False),
    ],
)
def test_examples_of_the_standard(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected
    trie: Subscriptions[str] = Subscriptions()
    trie.add(topic_filter, "me", 1)
    assert trie.match(topic) == ((("me", 1, ()),) if expected else ())


@given(st.lists(st.tuples(filters, st.integers(0, 5), st.integers(0, 2)), max_size=12), topics, st.data())
def test_trie_equals_the_rules_also_after_removals(
    added: list[tuple[str, int, int]], topic: str, data: st.DataObject
) -> None:
    trie: Subscriptions[int] = Subscriptions()
    model: dict[tuple[str, int], int] = {}
    for topic_filter, subscriber, qos in added:
        trie.add(topic_filter, subscriber, qos)
        model[topic_filter, subscriber] = qos
    trie.match(topic)  # what it remembers must not outlive a change
    for key in data.draw(st.lists(st.sampled_from(list(model)), unique=True)) if model else []:
        assert trie.remove(*key)
        assert not trie.remove(*key)
        del model[key]
    expected: dict[int, int] = {}
    for (topic_filter, subscriber), qos in model.items():
        if matches(topic_filter, topic):
            expected[subscriber] = max(qos, expected.get(subscriber, 0))
    assert {one: options for one, options, _ in trie.match(topic)} == expected
    assert trie.count == len(model)


def test_removing_everything_leaves_no_branches() -> None:
    trie: Subscriptions[int] = Subscriptions()
    for number in range(100):
        trie.add(f"a/{number}/+/#", number, 0)
    for number in range(100):
        assert trie.remove(f"a/{number}/+/#", number)
    assert not trie._root.children


@given(st.dictionaries(topics, st.binary(min_size=1, max_size=3), max_size=10), filters)
def test_retained_messages_match_as_subscriptions_do(kept: dict[str, bytes], topic_filter: str) -> None:
    store = Retained(limit=100)
    for topic, payload in kept.items():
        assert store.set(RetainedMessage(topic, payload, 1))
    found = {message.topic: message.payload for message in store.iter_matching(topic_filter)}
    assert found == {topic: payload for topic, payload in kept.items() if matches(topic_filter, topic)}


def test_retained_store_is_bounded_and_forgets() -> None:
    store = Retained(limit=2, limit_bytes=10)
    assert store.set(RetainedMessage("a", b"12345", 0))
    assert store.set(RetainedMessage("b", b"12345", 0))
    assert not store.set(RetainedMessage("c", b"1", 0))
    assert store.set(RetainedMessage("a", b"123456", 0))  # no room: what it replaces goes all the same (3.3.1-7)
    assert store.find("a") is None
    assert not store.set(RetainedMessage("a", b"", 0))
    assert store.set(RetainedMessage("c", b"1", 0))
    assert (len(store), store.bytes) == (2, 6)


def test_private_topics_have_a_root_of_their_own() -> None:
    mine = to_internal("dev_1", "v1/devices/me/rpc/request/+")
    assert mine == "$device/dev_1/v1/devices/me/rpc/request/+"
    assert to_external("$device/dev_1/v1/devices/me/rpc/request/7") == "v1/devices/me/rpc/request/7"
    assert to_internal("dev_1", "plant/#") == to_external("plant/#") == "plant/#"
    assert not matches("#", mine)
