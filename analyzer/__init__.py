"""sipcause: which SIP calls failed, why, and whose failure it was."""
