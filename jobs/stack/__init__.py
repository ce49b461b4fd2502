"""The private TimescaleDB and Mosquitto that the demo and the tests run on."""
