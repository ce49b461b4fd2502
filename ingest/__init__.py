"""MQTT payloads become readings."""
