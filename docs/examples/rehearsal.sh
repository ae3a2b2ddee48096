# What would a limit of 70 have done in the last hour? Nothing is kept and no alarm is raised. Runs after alarms.sh.
NOW=$(date +%s%3N)
DEVICE=$(python3 -c 'import json; print(json.load(open("imported.json"))["credentials"][0]["device_id"])')
curl -sS --fail-with-body "$MILLWRIGHT_URL/api/v1/rules/test" \
  -H "Authorization: Bearer $MILLWRIGHT_TOKEN" -H "Content-Type: application/json" -d @- <<JSON
{
  "rule": {
    "name": "Bearing warm",
    "scope": {"device_id": "$DEVICE"},
    "property": "temperature",
    "condition": {"kind": "limit", "high": 70, "deadband": 1, "on_delay_s": 0}
  },
  "from_ms": $((NOW - 3600000)),
  "to_ms": $NOW
}
JSON
