"""For tests of Atomic and of plug-ins: scripted bidders, a model server, asks and examples made by hand, and the
contract suite.

All of it is real: nothing here patches anything.
"""

from atomic.testing.asks import ask_for, example_for
from atomic.testing.contract import check_bidder, check_learner, check_tactic
from atomic.testing.engines import check_engine
from atomic.testing.model_plays import PLAYS, Play
from atomic.testing.model_server import ModelServer, model_server
from atomic.testing.scripted import Line, ScriptedBidder

__all__ = [
    "PLAYS",
    "Line",
    "ModelServer",
    "Play",
    "ScriptedBidder",
    "ask_for",
    "check_bidder",
    "check_engine",
    "check_learner",
    "check_tactic",
    "example_for",
    "model_server",
]
