# Rules, a hot bearing, an alarm, an acknowledgement, the evidence. Runs after plant.sh.
millwright rules import rules.json
sleep 2.5  # a rule is in force two seconds after it was made
TOKEN=$(python3 -c 'import json; print(json.load(open("imported.json"))["credentials"][0]["token"])')
DEVICE_TOKEN=$TOKEN python3 publish.py '{"temperature": 86.2, "discharge_pressure": 410, "running": true}'
sleep 1.5
millwright alarms list
ALARM=$(millwright alarms list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["id"])')
millwright alarms ack "$ALARM" --comment "on my way"
DEVICE_TOKEN=$TOKEN python3 publish.py '{"temperature": 71.0}'
sleep 1.5
millwright alarms list --all
curl -sS -H "Authorization: Bearer $MILLWRIGHT_TOKEN" "$MILLWRIGHT_URL/api/v1/alarms/$ALARM/evidence"
