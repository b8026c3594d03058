"""From octets to frames to datagrams: containers, link types, IP, UDP; the only home of Scapy."""
