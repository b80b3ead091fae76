"""What the pages of the operator's console are made of; nothing here knows a model."""
