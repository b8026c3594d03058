#!/bin/bash
# Record the calls of this folder anew: SIPp speaks SIP, OpenSSL's s_client and s_server speak TLS between them.
#
#     ./make.sh        writes capture.pcap, keylog and capture.pcapng here
#
# Needs sipp, openssl 3, tcpdump, editcap, python3 and the right to capture on the loopback interface. Everything stays
# on 127.0.0.1: caller (sipp) – TCP 5071 – s_client – TLS 5061 – s_server – TCP 5070 – callee (sipp); 5061 is recorded.
# Keys, times and identifiers differ with every run; what expected/ says does not.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out certificate.pem -days 3650 -subj /CN=bob.example.com 2>/dev/null
tcpdump -i lo -U -w - 'tcp port 5061' >capture.pcap 2>/dev/null &
tcpdump=$!
sleep 1

# call KEYLOG TLS-OPTIONS NUMBER [STATUS FIELD]: one call over a connection of its own; answered without a STATUS.
call() {
    local keylog=$1 tls=$2 number=$3 status=${4-} field=${5-}
    if [ -n "$status" ]; then
        sed "s/NUMBER/$number/; s/CODE/${status%% *}/" "$here/refused_caller.xml" >caller.xml
        sed "s/STATUS/$status/; s/FIELD/$field/" "$here/refusing_callee.xml" >callee.xml
    else
        sed "s/NUMBER/$number/" "$here/caller.xml" >caller.xml
        cp "$here/callee.xml" callee.xml
    fi
    sipp -sf callee.xml -t t1 -i 127.0.0.1 -p 5070 -m 1 >/dev/null 2>&1 &
    local callee=$!
    sleep 0.5
    python3 "$here/couple.py" connect 5070 openssl s_server -quiet -accept 127.0.0.1:5061 -naccept 1 \
        -cert certificate.pem -key key.pem $tls 2>/dev/null &
    python3 "$here/couple.py" listen 5071 openssl s_client -quiet -connect 127.0.0.1:5061 \
        -keylogfile "$keylog" $tls 2>/dev/null &
    local client=$!
    sleep 0.5
    sipp -sf caller.xml -t t1 -i 127.0.0.1 -m 1 127.0.0.1:5071 >/dev/null 2>&1
    wait $callee
    wait $client || true
    sleep 0.3
}

call keylog "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256" 100
call keylog "-tls1_2 -cipher ECDHE-RSA-AES256-SHA384" 101 "486 Busy Here" "Server: SIPp"
call keylog "-tls1_3 -ciphersuites TLS_AES_256_GCM_SHA384" 102 "503 Service Unavailable" "Reason: Q.850;cause=34"
call keylog "-tls1_2 -cipher ECDHE-RSA-CHACHA20-POLY1305" 103 "404 Not Found" "Server: SIPp"
call keylog "-tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256" 104
call keylog "-tls1_2 -cipher AES128-SHA" 105 "603 Decline" "Server: SIPp"
call not_given "-tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256" 106

sleep 1
kill $tcpdump
wait $tcpdump || true
editcap --inject-secrets tls,keylog capture.pcap capture.pcapng
cp capture.pcap keylog capture.pcapng "$here/"
