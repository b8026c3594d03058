"""SIP messages out of octets; knows no files, no clocks, no tables.

`parse.parse_message` reads one message whole and defines what is right; `read.read_messages` does the
same for a window of datagrams by kernels, and falls back to it wherever a kernel abstains.
"""
