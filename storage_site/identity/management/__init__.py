"""Commands about users and projects."""
