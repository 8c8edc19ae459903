"""Speed and memory of Trunkline beside nginx and other gateways (`make bench`). Part of the checkout, not of the package."""
