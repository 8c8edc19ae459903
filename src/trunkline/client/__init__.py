"""The Python interface: one way to call models and integrations, in process or through a running gateway.

`from trunkline import Trunkline, AsyncTrunkline`. Not for: administration, which is the command line's and the console's.
"""

from trunkline.client.aio import AsyncIntegration, AsyncTrunkline
from trunkline.client.answers import (
    Chunk,
    Completion,
    Embeddings,
    Metrics,
    Reply,
    ToolCall,
    Usage,
)
from trunkline.client.errors import IntegrationError
from trunkline.client.models import AIModel, AsyncAIModel
from trunkline.client.sync import Integration, Trunkline

__all__ = [
    "AIModel",
    "AsyncAIModel",
    "AsyncIntegration",
    "AsyncTrunkline",
    "Chunk",
    "Completion",
    "Embeddings",
    "Integration",
    "IntegrationError",
    "Metrics",
    "Reply",
    "ToolCall",
    "Trunkline",
    "Usage",
]
