"""Watching: health and metrics. Pure over figures that others gather; changing anything is `control/`'s."""
