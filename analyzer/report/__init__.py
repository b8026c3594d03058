"""Weekly failure reports: `weekly` decides every number, `sections` how they are told, the rest only draws them."""
