"""A text of tfstyle's own in an XMP packet (ISO 16684-1), which every kind of picture file can carry.

Programs that rewrite a packet may turn the property from an element into an attribute; both are read.
"""

from __future__ import annotations

from xml.parsers.expat import ExpatError, ParserCreate
from xml.sax.saxutils import escape

NAMESPACE = "urn:tfstyle:provenance/"
PROPERTY = "record"
MOST_BYTES = 65_000
"""Of a packet. A segment of a JPEG file holds no more; tfstyle writes a few thousand."""
MOST_DEPTH = 50
"""Of elements in a packet."""
_KEY = f"{NAMESPACE} {PROPERTY}"
_PACKET = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:tfstyle="{namespace}">
   <xmp:CreatorTool>{creator}</xmp:CreatorTool>
   <tfstyle:{name}>{text}</tfstyle:{name}>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


class PacketError(Exception):
    """A packet that cannot be read; `str()` of it completes a sentence about the file."""


def packet_of(text: str, creator: str) -> bytes:
    """The packet that carries `text`. `creator` is the program that made the picture."""
    filled = _PACKET.format(namespace=NAMESPACE, name=PROPERTY, creator=escape(creator), text=escape(text))
    return filled.encode()


def text_in(packet: bytes) -> str | None:
    """The text that `packet_of` has put into a packet; None where there is none. Raises `PacketError`."""
    if len(packet) > MOST_BYTES:
        raise PacketError(f"has {len(packet):,} bytes of XMP metadata; at most {MOST_BYTES:,} are read")
    reader = _Reader()
    parser = ParserCreate("UTF-8", " ")
    parser.buffer_text = True
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.read
    # XMP has no document type; one could define entities that grow without limit.
    parser.StartDoctypeDeclHandler = reader.refuse
    try:
        parser.Parse(packet, True)
    except ExpatError as error:
        raise PacketError(f"has damaged XMP metadata: {error}") from None
    return None if reader.found is None else "".join(reader.found)


class _Reader:
    """Takes the parts of a packet as the parser finds them."""

    def __init__(self) -> None:
        self.found: list[str] | None = None
        self._depth = 0
        self._inside = 0

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise PacketError("has damaged XMP metadata: its elements are nested too deeply")
        if self.found is None and _KEY in attributes:
            self.found = [attributes[_KEY]]
        elif self.found is None and name == _KEY:
            self.found, self._inside = [], self._depth

    def end(self, name: str) -> None:
        if self._depth == self._inside:
            self._inside = 0
        self._depth -= 1

    def read(self, text: str) -> None:
        if self._inside and self.found is not None:
            self.found.append(text)

    def refuse(self, *_: object) -> None:
        raise PacketError("has damaged XMP metadata: it declares a document type")
