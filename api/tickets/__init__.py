"""Tickets: the service cases that people work on."""
