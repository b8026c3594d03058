"""Made captures, and sipcause measured on them beside other programs; see README.md."""
