"""The inbox: real mail read, judged by the market, and filed, tagged or answered by a draft.

Reading lies in `source` (folders, Maildirs, packs), `mail` (bytes to a `Mail`) and `automatic` (whom a machine
must not answer, RFC 3834). Nothing is imported here, so that reading mail costs nothing to those who do not.
"""
