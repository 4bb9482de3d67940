"""The page in a real Chromium, on one running demo that all of these tests share."""
