#!/bin/sh
# A quarter of an hour of Autopilot, in no time.
set -eu

directory=$(mktemp -d)
trap 'rm -r "$directory"' EXIT
imports=$HANGAR_URL/beta/deviceManagement/importedWindowsAutopilotDeviceIdentities

ask() {
  curl --silent --show-error --fail --noproxy 127.0.0.1 --cacert "$HANGAR_CA" \
    --header "Authorization: Bearer $HANGAR_TOKEN" "$@"
}

# The text member of this name, from JSON.
member() {
  sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"
}

hangar hash generate --wire --seed 1 > "$directory/device.json"
serial=$(member serialNumber < "$directory/device.json")
id=$(ask --header 'Content-Type: application/json' --data @"$directory/device.json" "$imports" | member id)
status() {
  ask "$imports/$id" | member deviceImportStatus
}

hangar rehearse clock advance 14m
test "$(status)" = unknown
hangar rehearse clock advance 1m
for _ in $(seq 100); do
  test "$(status)" = unknown || break
  sleep 0.1
done
test "$(status)" = complete

hangar rehearse assert --method POST --serial-number "$serial" --exactly 1
