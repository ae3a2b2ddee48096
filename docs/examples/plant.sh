# Places, a model, devices from a file.
call() { curl -sS --fail-with-body -H "Authorization: Bearer $MILLWRIGHT_TOKEN" -H "Content-Type: application/json" "$@"; }
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"; }

WORKS=$(call "$MILLWRIGHT_URL/api/v1/places" -d '{"level": "site", "name": "Works"}' | field id)
call "$MILLWRIGHT_URL/api/v1/places" -d "{\"level\": \"area\", \"name\": \"Cooling\", \"parent_id\": \"$WORKS\"}" > place.json
millwright models import pump.json
millwright devices import devices.csv --dry-run || true
millwright devices import devices.csv --issue --json > imported.json || true
millwright devices list
