"""Templates over each database, in the scope of who asks."""

from __future__ import annotations

import msgspec
import pytest

from millwright.engines.sql import Records
from millwright.identity.templates import PublicLabels, TemplateDocument, TemplateField, Templates, encode
from millwright.identity.templates.model import FieldsToCheck
from millwright.kernel import Conflict, ManualClock, NotFound, Outdated
from millwright.kernel.scope import EVERYTHING, within
from support.prefixes import MIGRATIONS as MIGRATIONS
from support.prefixes import Town, authority


@pytest.fixture
def templates(records: Records) -> Templates:
    Town(records)
    confined = records.scoped(EVERYTHING)
    confined._scope = None  # of the work at hand, as in the web role
    return Templates(confined, ManualClock())


def document(name: str = "Pump", *more: TemplateField) -> TemplateDocument:
    return TemplateDocument(name=name, fields=[TemplateField(number=1, name="name", required=True), *more])


async def test_published_versions_stay(templates: Templates) -> None:
    with within(authority("red").scope("templates:edit")):
        made = await templates.create(document())
        with pytest.raises(NotFound):
            await templates.version(made.id)
        assert (await templates.publish(made.id, "Anna", made.revision)).version == 1
        grown = document("Pump", TemplateField(number=2, name="more", type="json"))
        await templates.set_draft(made.id, grown, None)
        assert (await templates.version(made.id)).document == document()
        await templates.publish(made.id, "Anna", None)
        old, new = await templates.version(made.id, 1), await templates.version(made.id)
        assert (old.version, new.version, new.organisation_id) == (1, 2, "red")
        assert encode(old, {"name": "x"})[0].data == f"{made.id}/1".encode()
        await templates.set_draft(made.id, grown, None)
        with pytest.raises(Conflict) as same:
            await templates.publish(made.id, "Anna", None)
        assert same.value.code == "templates.unchanged"
        with pytest.raises(Outdated):
            await templates.discard_draft(made.id, 1)
        assert (await templates.discard_draft(made.id, None)).draft is None
        with pytest.raises(Conflict) as reused:
            await templates.set_draft(made.id, document("Pump", TemplateField(number=2, name="more")), None)
        assert reused.value.code == "templates.number_reused"
        await templates.retire(made.id, None, retired=True)
        with pytest.raises(Conflict) as retired:
            await templates.for_registration(made.id)
        assert retired.value.code == "templates.retired"
        assert (await templates.version(made.id)).version == 2  # what is registered stays readable


async def test_shared_downwards_and_with_nobody_else(templates: Templates) -> None:
    with within(authority("red").scope("templates:edit")):
        made = await templates.create(document())
        await templates.publish(made.id, "Anna", None)
    with within(authority("shop").scope("templates:edit")):
        assert [each.id for each in (await templates.list()).items] == [made.id]
        assert await templates.check(made.id, FieldsToCheck(fields={"name": "x"})) == {"name": "x"}
        assert len(await templates.versions(made.id)) == 1
        for change in (
            templates.set_draft(made.id, document("Mine"), None),
            templates.retire(made.id, None, retired=True),
        ):
            with pytest.raises(NotFound):
                await change
        await templates.create(document())  # names are free in each organisation
    for stranger in ("blue", "park", "org_root"):
        with within(authority(stranger).scope("templates:edit")):
            assert (await templates.list()).items == []
            with pytest.raises(NotFound):
                await templates.get(made.id)
            with pytest.raises(NotFound):
                await templates.version(made.id, 1)


async def test_names_and_pages(templates: Templates) -> None:
    with within(authority("red").scope("templates:edit")):
        for name in ("beta", "Alpha", "gamma", "泵"):
            await templates.create(document(name))
        with pytest.raises(Conflict) as taken:
            await templates.create(document("ALPHA"))
        assert taken.value.code == "templates.name_taken"
        first = await templates.list(limit=3)
        rest = await templates.list(limit=3, cursor=first.next)
        assert [each.name for each in (*first.items, *rest.items)] == ["Alpha", "beta", "gamma", "泵"]
        assert [each.name for each in (await templates.list("MMA")).items] == ["gamma"]
        beta = (await templates.list("beta")).items[0]
        await templates.delete(beta.id)
        assert len((await templates.list()).items) == 3


async def test_labels_of_public_fields_are_for_everybody_and_of_no_others(templates: Templates) -> None:
    inner = TemplateField(number=2, name="cost", label="Cost", visibility="granted")
    size = TemplateField(number=3, name="size", label="Size", label_zh="尺寸", repeated=True)
    labels = PublicLabels(templates)
    with within(authority("red").scope("templates:edit")):
        made = await templates.create(document("Pump", inner, size))
        await templates.publish(made.id, "Anna", None)
        values = encode(await templates.version(made.id), {"name": "x", "cost": "y", "size": ["1", "2"]})
        found = await labels.of(values)
    assert {index: each.label_zh for index, each in found.items() if each.label} == {1003: "尺寸", 11003: "尺寸"}
    assert 1002 not in found
    assert await labels.of(values[1:]) == {}
    strange = msgspec.structs.replace(values[0], data=b"tpl_none/7")
    assert await labels.of((strange, *values[1:])) == {}
