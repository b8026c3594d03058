"""The ledger of a call: what each frame changed, read off the correlator's rows before and after it.

`replay` steps the messages through the kernels; the lines here name the differences, each with the rule of
``data/counting_rules.toml`` that is behind it. Nothing is counted again. Texts are English templates with
``{values}``; views translate them.
"""
