"""The service rules: tickets, deadlines, routing, priorities and messages. No transport.

Functions take a connection and never commit: the caller's transaction is the unit in which a finding, its
ticket and its messages stand or fall together.
"""
