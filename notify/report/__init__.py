"""The monthly report as PDF: what it says in two languages, and how it is laid out."""
