"""What a node had before there were organisations is the root's afterwards, and nothing is lost on the way."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from millwright import cases, devices, historian, operations, parties
from millwright.engines.sql import Migrations, Records
from millwright.kernel import ROOT, SystemClock
from millwright.parties import Parties

HOMES = [Path(each.__file__).parent / "migrations" for each in (parties, cases, historian, devices, operations)]

OLD = """
INSERT INTO parties_people (id, kind, name, name_key, roles, disabled, created_ms)
  VALUES ('per_a', 'person', 'Anna', 'anna', '["administrator"]', 0, 5),
         ('per_b', 'person', 'Bob', 'bob', '["engineer", "operator"]', 0, 6);
INSERT INTO parties_tokens (id, digest, person_id, name, roles, hint, created_ms)
  VALUES ('tok_a', x'00', 'per_a', 't', '["viewer"]', '', 1);
INSERT INTO devices_places (id, level, name, name_key, created_ms) VALUES ('plc_1', 'site', 'Works', 'works', 1);
INSERT INTO devices_models (id, name, name_key, version, created_ms) VALUES ('mod_1', 'Pump', 'pump', 1, 1);
INSERT INTO devices_model_versions VALUES ('mod_1', 1, '{"name": "Pump", "properties": []}', 1);
INSERT INTO devices_devices (id, name, name_key, search, tags, kind, model_id, model_version, place_id, disabled,
                             created_ms, revision)
  VALUES ('dev_1', 'pump-1', 'pump-1', 'pump-1', '["hot"]', 'device', 'mod_1', 1, 'plc_1', 0, 1, 1);
INSERT INTO devices_tags VALUES ('hot', 'dev_1');
INSERT INTO devices_credentials (id, device_id, digest, hint, origin, created_ms)
  VALUES ('crd_1', 'dev_1', x'01', '', 'issued', 1);
INSERT INTO devices_presence (device_id, online, since_ms, last_seen_ms) VALUES ('dev_1', 1, 1, 1);
INSERT INTO devices_properties VALUES ('dev_1', 't', 'number', NULL, 1, 1);
INSERT INTO historian_policies VALUES (0, '*', '*', 30);
INSERT INTO operations_rules VALUES ('rul_1', 'r', 'dev_1', NULL, '{}');
INSERT INTO cases_cases (id, kind, subject, state, priority, opened_ms, created_ms, updated_ms, search, data, revision)
  VALUES ('alm_1', 'alarm', 'dev_1', 'normal', 1, 1, 1, 1, '', '{}', 1);
INSERT INTO cases_entries (case_id, at_ms, actor_id, actor_name, from_state, to_state, comment, data)
  VALUES ('alm_1', 1, 's', 's', '', 'normal', '', '{}');
"""


async def test_everything_there_was_belongs_to_the_root(tmp_path: Path) -> None:
    first = []
    for home in HOMES:
        copy = tmp_path / "first" / home.parent.name
        copy.mkdir(parents=True)
        shutil.copy(home / "0001_initial.py", copy)
        first.append(copy)
    records = Records.in_folder(tmp_path / "data")
    Migrations(records, first).upgrade()
    with sqlite3.connect(tmp_path / "data" / "records.db") as old:
        old.executescript(OLD)
        tables = [row[0] for row in old.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        before = {name: old.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
    backup = Migrations(records, HOMES).upgrade(tmp_path / "backups")
    assert backup is not None
    with sqlite3.connect(tmp_path / "data" / "records.db") as new:
        after = {name: new.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
        assert after == before | {"devices_counters": before["devices_counters"] + 2}  # of connections and readers
        for name in ("devices_places", "devices_models", "devices_devices", "operations_rules", "cases_cases"):
            assert new.execute(f"SELECT DISTINCT organisation_id FROM {name}").fetchall() == [(ROOT,)], name
        assert new.execute("SELECT organisation_id, keep_days FROM historian_policies").fetchall() == [(ROOT, 30)]
        granted = new.execute("SELECT person_id, role, organisation_id FROM parties_grants ORDER BY id").fetchall()
        assert granted == [("per_a", "administrator", ROOT), ("per_b", "engineer", ROOT), ("per_b", "operator", ROOT)]
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []
        assert json.loads(new.execute("SELECT tags FROM devices_devices").fetchone()[0]) == ["hot"]
    tree = Parties(records, SystemClock())._authorities.tree()
    assert tree.subtree(ROOT) == [ROOT]
    records.close()
