"""Customers: who is served, and everything about one of them on one page."""
