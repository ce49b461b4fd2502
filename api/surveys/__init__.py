"""Surveys: the page behind the link in a customer's message, and answers given to staff."""
