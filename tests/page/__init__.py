"""The page in a real browser: `stage` is what it looks at, `watching` is the browser and what it noticed."""
