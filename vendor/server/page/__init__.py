"""The page for people: one HTML document, rendered here, that works without JavaScript and is live with it.

overview.py   what there is to see (recent.py: the latest exchanges)
html.py       text into HTML, never the other way
sections.py   the parts of the page (timeline.py: when what is out ends; tools.py: what operators can do)
looks.py      its style sheet and its script
doors.py      through which door, and who is shown what
"""

from __future__ import annotations
