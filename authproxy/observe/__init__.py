"""Who hears that an exchange ended: the access log. `logs` formats lines, `stream` writes them."""
