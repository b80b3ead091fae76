"""Images: asking an image service for them, and looking at what is in them before anybody else does."""
