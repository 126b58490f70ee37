"""What may be sent: pure judges that refuse, by `errors.Refused`, whatever is not a proven read (design.md §6).

Each judge is an allow-list over a parsed form: PostgreSQL's own grammar, graphql-core's, and the URL that the wire
uses. None opens a socket.
"""
