# History by curl. Runs after alarms.sh.
NOW=$(date +%s%3N)
DEVICE=$(python3 -c 'import json; print(json.load(open("imported.json"))["credentials"][0]["device_id"])')
get() { curl -sS --fail-with-body -G -H "Authorization: Bearer $MILLWRIGHT_TOKEN" "$@"; echo; }

# The newest value of every property.
get "$MILLWRIGHT_URL/api/v1/readings/latest" -d device_id="$DEVICE"
# Readings one by one, newest first.
get "$MILLWRIGHT_URL/api/v1/readings" -d device_id="$DEVICE" -d property=temperature \
  -d from_ms=$((NOW - 3600000)) -d to_ms=$NOW -d order=desc -d limit=2
# What a chart needs: at most 60 buckets, with extremes and the time-weighted mean.
get "$MILLWRIGHT_URL/api/v1/readings/buckets" -d device_id="$DEVICE" -d property=temperature -d property=discharge_pressure \
  -d from_ms=$((NOW - 3600000)) -d to_ms=$NOW -d buckets=60 -d aggregates=min,max,twm
# A file for a spreadsheet.
millwright readings export pump-8 temperature --from 1h -o temperature.csv
cat temperature.csv
