# A message nobody can read, and what becomes of it.
millwright devices add scale-1 --json > scale-1.json
TOKEN=$(python3 -c 'import json; print(json.load(open("scale-1.json"))["credential"]["token"])')
DEVICE_TOKEN=$TOKEN python3 publish.py 'weight=12.5'
sleep 1.5
millwright dead-letters list
NUMBER=$(millwright dead-letters list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["sequence"])')
millwright dead-letters show "$NUMBER"
millwright dead-letters discard "$NUMBER"
