"""What the project as a whole adds to manage.py."""
