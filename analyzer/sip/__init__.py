"""From octets to SIP messages: the whole-message parser that defines right, and the kernels that are fast."""
