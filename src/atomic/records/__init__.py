"""The words: frozen, versioned records. Everything that happens is made of them.

A record says what was; it has no behaviour beyond naming itself. See `docs/glossary.md` for the words.
"""

from atomic.records.attempt import AttemptFinished, AttemptStarted, Message, Plan, Reply, Usage
from atomic.records.award import Answered, Award, Position, Scored, Slate, State, Table
from atomic.records.bid import Bid, Evidence, NoBid, Offer, Reason
from atomic.records.erasure import BeliefsRebased, BodiesErased
from atomic.records.event import Body, Commitment, Entry, Event, Payload, decode, encode
from atomic.records.ids import fresh_id
from atomic.records.imported import AnswersImported, Origin
from atomic.records.lesson import BidderChanged, FeedbackGiven, Lesson, LessonsLearned, Source
from atomic.records.mode import Assignment, Mode, ModeChanged, ModeStated, PairMade, Side
from atomic.records.money import dollars, nano_usd
from atomic.records.outcome import ActionDone, ActionIntended, MarketOpened, OutcomeSettled, ProbabilitySource
from atomic.records.price import BookPrice, Price, PricesChanged
from atomic.records.question import QuestionAnswered, QuestionAsked, QuestionLapsed, QuestionTaken
from atomic.records.request import DataLabel, Features, RequestOpened, Terms

__all__ = [
    "ActionDone",
    "ActionIntended",
    "Answered",
    "AnswersImported",
    "Assignment",
    "AttemptFinished",
    "AttemptStarted",
    "Award",
    "BeliefsRebased",
    "Bid",
    "BidderChanged",
    "BodiesErased",
    "Body",
    "BookPrice",
    "Commitment",
    "DataLabel",
    "Entry",
    "Event",
    "Evidence",
    "Features",
    "FeedbackGiven",
    "Lesson",
    "LessonsLearned",
    "MarketOpened",
    "Message",
    "Mode",
    "ModeChanged",
    "ModeStated",
    "NoBid",
    "Offer",
    "Origin",
    "OutcomeSettled",
    "PairMade",
    "Payload",
    "Plan",
    "Position",
    "Price",
    "PricesChanged",
    "ProbabilitySource",
    "QuestionAnswered",
    "QuestionAsked",
    "QuestionLapsed",
    "QuestionTaken",
    "Reason",
    "Reply",
    "RequestOpened",
    "Scored",
    "Side",
    "Slate",
    "Source",
    "State",
    "Table",
    "Terms",
    "Usage",
    "decode",
    "dollars",
    "encode",
    "fresh_id",
    "nano_usd",
]
