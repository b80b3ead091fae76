"""The Keystone v3 calls: HTTP in, one service call, HTTP out."""
