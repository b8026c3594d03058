#!/bin/bash
# Record the calls of this folder anew: a real Kamailio relays them and sends HEP to port 9060, which is recorded.
#
#     ./make.sh        writes capture.pcapng here
#
# Needs kamailio, tcpdump, editcap, python3 and the right to capture on the loopback interface. Everything stays on
# 127.0.0.1. Times and identifiers differ with every run; what expected/ says does not.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

tcpdump -i lo -U -w capture.pcap 'port 9060' 2>/dev/null &
tcpdump=$!
sleep 1
python3 "$here/calls.py"
sleep 1
kill $tcpdump
wait $tcpdump || true
editcap capture.pcap "$here/capture.pcapng"
