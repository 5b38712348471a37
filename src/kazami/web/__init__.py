"""The console and its API: a defender reads the story here, and works on it.

Every page is a rendering of one resource: ``/incidents/7`` for people, ``/incidents/7.json`` for programs. Nothing is
decided here: `store.browse` answers, `pipeline` acts, this part shows and asks who is asking.

site       what is served: cases, people, settings
desk       one case: its file to browse, made anew when the case changes; who reads and who writes it
state      people, sessions, the log of what they did, comments: one SQLite file
guard      what every request passes: host, size, session, origin, headers
resource   how a page and its JSON twin come from one function; the list of them is the API
pages      the resources, a file each
acts       what changes something, a file each
app        all of it as one ASGI application
server     the application on a socket
"""
