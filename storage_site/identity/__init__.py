"""Who asks: users, projects, roles and tokens, and the Keystone v3 calls about them."""
