"""What every Glasshouse Space shares: checkpoints, networks, explanations, pictures and the page."""
