"""Live runs: the same counts from a wire as from a file, for weeks.

`hearing` reads listeners in a thread of its own; `counting` correlates what it hands over, takes what has ended out of
the tables every second and gives it to whoever wants it; `run` puts listeners, store, frames file, screen, metrics and
alerts around them, and minds signals.
"""
