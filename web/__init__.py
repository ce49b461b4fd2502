"""The console for people: pages made on the server, in Chinese and English, served by the API's process."""
