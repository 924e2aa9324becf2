"""`render`: RAW -> JPEG that contains its RAW."""

from rawback.rendering.decisions import decide, decided
from rawback.rendering.developing import Rendered, develop, render
from rawback.rendering.picture_coding import coded

__all__ = ["Rendered", "coded", "decide", "decided", "develop", "render"]
