"""What serves credentials on this machine, for `vend exec` and `vend agent`.

listener.py  sockets, and as many callers as there is room for
places.py    where it may listen
addresses.py an address that the machine does not have yet
wire.py      one request in, one reply out, over a connection that is then closed
callers.py   whose program is it that asks?
guard.py     may it?
held.py      what is held for one wish: fetched once at a time, renewed ahead, used until its end
vending.py   whose token is it asked for with, and what is held for whom?
metadata.py  the instance metadata service, version 2
doors.py     which path leads where?
daemon.py    `vend agent` from its start to its stop
"""
