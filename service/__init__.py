"""The service rules: tickets, deadlines, routing. No transport."""
