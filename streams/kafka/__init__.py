"""Everything that touches a broker: the connection, the topics, what was rejected and how it goes back."""
