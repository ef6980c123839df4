"""Page, API and metrics over a hub: shows, never measures."""
