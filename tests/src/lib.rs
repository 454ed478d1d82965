//! Whole stories over the real surfaces: see `story/`, which Node runs in a real browser.
