"""Takes the pictures of the guides anew: a node, the peers of the tests, and Chromium that does as the guides say."""
