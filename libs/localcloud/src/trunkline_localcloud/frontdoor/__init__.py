"""What stands in front of MiniStack: every request passes here first."""

from trunkline_localcloud.frontdoor.asgi import AsgiApp, Message, Receive, Scope, Send
from trunkline_localcloud.frontdoor.door import FrontDoor
from trunkline_localcloud.frontdoor.recorder import watch_decisions

__all__ = ["AsgiApp", "FrontDoor", "Message", "Receive", "Scope", "Send", "watch_decisions"]
