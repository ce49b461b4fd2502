"""/v1/me: what the utility's app shows one customer, and takes from them."""
