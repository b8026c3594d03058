"""Run a program whose standard input and output are a TCP connection: ``couple.py listen|connect PORT PROGRAM …``."""

import os
import socket
import sys

way, port, *program = sys.argv[1:]
place = ("127.0.0.1", int(port))
if way == "listen":
    with socket.create_server(place) as listening:
        connection = listening.accept()[0]
else:
    connection = socket.create_connection(place)
for standard in (0, 1):
    os.dup2(connection.fileno(), standard)
os.execvp(program[0], program)
