"""Detector policies over HTTP."""
