"""What a result says about how it was made, and that strangers' files can say what they like."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image, features

import tfstyle
from conftest import png
from tfstyle import Inputs, InvalidInputError, Picture, Style, TransferOptions, content_and_style
from tfstyle.images import Taken, decode, encode_png
from tfstyle.inputs import inputs_by_name
from tfstyle.iterate import Delivered
from tfstyle.presets import changed_options
from tfstyle.provenance import Provenance, Source, StageFacts, joined
from tfstyle.provenance_json import provenance_packet, read_provenance
from tfstyle.xmp import MOST_BYTES, packet_of
from tfstyle_client.picture_formats import convert

DIGEST = "0123456789abcdef" * 4
MADE = Provenance(
    "1.2.3",
    "2.21.0",
    "CPU avx2",
    "fast",
    asdict(TransferOptions(scales=((32, 5), (40, 6)), style_layer_weights=(1.0, 0.5, 0.25, 0.125, 1 / 3))),
    "float32",
    {"vgg19-lite": DIGEST},
    (StageFacts("vgg19-lite", 48, 32, 9, "neighbours", 1),),
    (Source("content", 9, 6, DIGEST), Source("styles[0]", 8, 6, DIGEST, 0.7), Source("styles[1]", 8, 7, "", 1 / 3)),
)


def file_of(packet: bytes) -> bytes:
    return encode_png(decode(png(np.full((16, 16, 3), 128, np.uint8)), "content"), None, packet)


def file_saying(text: str) -> bytes:
    return file_of(packet_of(text, "somebody"))


def record(**changes: Any) -> dict[str, Any]:
    """The record of `MADE` as JSON has it, with other values."""
    packet = ElementTree.fromstring(provenance_packet(MADE).strip())
    (text,) = (element.text for element in packet.iter() if element.tag.endswith("}record"))
    return json.loads(str(text)) | changes


def complaint(data: bytes) -> str:
    with pytest.raises(InvalidInputError) as caught:
        read_provenance(data)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def pictures(landscape: bytes, painting: bytes) -> dict[str, bytes]:
    mask = Image.new("L", (102, 68), 255)
    mask.paste(0, (0, 0, 40, 68))
    return {
        "content": landscape,
        "styles[0]": painting,
        "styles[1]": landscape,
        "styles[1].mask": png(np.asarray(mask)),
    }


@pytest.fixture(scope="module")
def styles(pictures: dict[str, bytes]) -> list[Style[bytes]]:
    return [Style(pictures["styles[0]"], 0.7), Style(pictures["styles[1]"], 0.3, pictures["styles[1].mask"])]


@pytest.fixture(scope="module")
def result(pictures: dict[str, bytes], styles: list[Style[bytes]]) -> tfstyle.Stylized:
    return tfstyle.stylize(pictures["content"], styles, preset="fast", size=32, steps=3)


@pytest.fixture(scope="module")
def engine() -> tfstyle.Engine:
    return tfstyle.Engine()


@pytest.fixture(scope="module")
def again(
    engine: tfstyle.Engine, pictures: dict[str, bytes], styles: list[Style[bytes]]
) -> Callable[[TransferOptions], tuple[bytes, Delivered]]:
    """Makes the picture from the same pictures with other options: the file, and what is in it."""
    inputs = Inputs(pictures["content"], tuple(styles)).map(lambda name, data: decode(data, name))

    def made(options: TransferOptions) -> tuple[bytes, Delivered]:
        transfer = engine.prepare(inputs, options)
        list(transfer.iterates())
        delivered = transfer.deliver()
        return transfer.file(delivered, "fast"), delivered

    return made


def test_a_record_survives_its_file() -> None:
    assert read_provenance(file_of(provenance_packet(MADE))) == MADE


def test_the_file_says_how_it_was_made(result: tfstyle.Stylized, pictures: dict[str, bytes]) -> None:
    made = tfstyle.read_provenance(result.png)
    assert made.options == asdict(result.options)
    assert (made.version, made.preset, made.network) == (tfstyle.__version__, "fast", "vgg19-lite")
    weights_file = Path(tfstyle.__file__).parent / "networks" / "vgg19_lite.npz"
    assert made.networks == {"vgg19-lite": hashlib.sha256(weights_file.read_bytes()).hexdigest()}
    assert {source.name: source.digest for source in made.pictures} == {
        name: hashlib.sha256(data).hexdigest() for name, data in pictures.items()
    }
    assert [source.weight for source in made.pictures] == [None, 0.7, 0.3, None]
    sizes = [(1024, 683), (800, 600), (1024, 683), (102, 68)]
    assert [(source.width, source.height) for source in made.pictures] == sizes
    assert made.stages == (StageFacts("vgg19-lite", 32, 21, 3, "wasserstein", 1),)
    with Image.open(io.BytesIO(result.png)) as opened:
        assert opened.info["Software"] == f"tfstyle {tfstyle.__version__}"
        assert opened.info["Comment"] == f"network vgg19-lite, precision {made.precision}"
        packet = ElementTree.fromstring(opened.info["xmp"])
    (creator,) = packet.iter("{http://ns.adobe.com/xap/1.0/}CreatorTool")
    assert creator.text == f"tfstyle {tfstyle.__version__}"


def test_the_record_names_no_places(result: tfstyle.Stylized) -> None:
    text = result.png[: result.png.index(b"IDAT")]
    for place in (str(Path.home()), str(Path.cwd()), Path(tfstyle.__file__).parent):
        assert str(place).encode() not in text


def test_the_record_repeats_the_picture_to_the_bit(
    result: tfstyle.Stylized, again: Callable[[TransferOptions], tuple[bytes, Delivered]]
) -> None:
    made = tfstyle.read_provenance(result.png)
    options = made.transfer_options()
    assert (options.network, options.precision) == ("vgg19-lite", made.precision)
    file, delivered = again(options)
    assert np.array_equal(delivered.picture.pixels, result.delivered.picture.pixels)
    assert list(made.differences(tfstyle.read_provenance(file))) == []


def test_without_metadata_there_are_pixels_only(
    result: tfstyle.Stylized, again: Callable[[TransferOptions], tuple[bytes, Delivered]]
) -> None:
    bare, delivered = again(replace(result.options, metadata="none"))
    assert np.array_equal(delivered.picture.pixels, result.delivered.picture.pixels)
    kinds, start = [], 8
    while start < len(bare):
        length, kind = struct.unpack_from(">I4s", bare, start)
        kinds.append(kind)
        start += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
    assert complaint(bare).startswith("result: carries no record of how it was made")


@pytest.mark.parametrize("depth", [8, 16])
def test_the_date_of_the_photo_is_left_out_too(
    engine: tfstyle.Engine, result: tfstyle.Stylized, photo: Picture, oils: Picture, depth: int
) -> None:
    dated = replace(photo, taken=Taken("2024:05:17 18:30:09", "+02:00"))
    files = {}
    for metadata in ("full", "none"):
        options = replace(result.options, depth=depth, colour_space="srgb", metadata=metadata)
        transfer = engine.prepare(content_and_style(dated, oils), options)
        files[metadata] = transfer.file(transfer.deliver(), "fast")
    assert read_provenance(files["full"]).options["depth"] == depth
    assert read_provenance(convert(files["full"], ".tif")) == read_provenance(files["full"])
    for ending in (".png", ".jpg", ".webp", ".tif"):
        assert b"2024:05:17" in convert(files["full"], ending)
        bare = convert(files["none"], ending)
        assert not any(word in bare for word in (b"2024:05:17", b"Exif", b"eXIf", b"tfstyle", b"xap", b"Software"))


def test_a_checkpoint_does_not_depend_on_what_the_file_will_say(
    engine: tfstyle.Engine, result: tfstyle.Stylized, photo: Picture, oils: Picture, tmp_path: Path
) -> None:
    inputs = content_and_style(photo, oils)
    transfer = engine.prepare(inputs, result.options)
    next(transfer.iterates())
    transfer.checkpoint(tmp_path / "checkpoint")
    resumed = engine.prepare(
        inputs, replace(result.options, metadata="none"), tfstyle.read_checkpoint(tmp_path / "checkpoint")
    )
    assert resumed.evaluations == 1


def test_reading_a_record_needs_no_library(tmp_path: Path) -> None:
    (tmp_path / "result.png").write_bytes(file_of(provenance_packet(MADE)))
    block = "import sys\nfor name in ('tensorflow', 'keras', 'numpy', 'PIL', 'grpc'): sys.modules[name] = None\n"
    code = f"{block}import tfstyle\nprint(tfstyle.read_provenance(open('result.png', 'rb').read()).preset)"
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("fast\n", "")


def test_the_inputs_follow_from_their_names() -> None:
    inputs = Inputs("a", (Style("b", 2.0), Style("c", 0.5, "d")))
    weights = {name: style.weight for name, style in inputs.named_styles()}
    assert inputs_by_name(dict(inputs.pictures()), weights) == inputs
    one = Inputs("a", (Style("b", mask="d"),))
    assert inputs_by_name(dict(one.pictures()), {"style": 1.0}) == one


@pytest.mark.parametrize("names", [["content"], ["style"], ["content", "style.frame"], ["content", "style", "frame"]])
def test_names_of_no_transfer_are_refused(names: list[str]) -> None:
    with pytest.raises(InvalidInputError):
        inputs_by_name(dict.fromkeys(names, "a"), {})


def test_changes_come_on_top() -> None:
    options = TransferOptions(size=64, style_weight=5.0)
    assert changed_options(options, {"steps": 7}) == TransferOptions(size=64, style_weight=5.0, max_evaluations=7)
    strong = changed_options(options, {"strength": 0.75})
    assert (strong.size, strong.content_weight, strong.style_weight) == (64, 0.562, 3.56)


def test_auto_becomes_what_it_stood_for() -> None:
    neighbours, wasserstein = (StageFacts("vgg19-lite", 48, 32, 9, loss, 1) for loss in ("neighbours", "wasserstein"))
    assert replace(MADE, stages=(neighbours, neighbours)).transfer_options().style_loss == "neighbours"
    assert replace(MADE, stages=(neighbours, wasserstein)).transfer_options().style_loss == "auto"
    split = dict(MADE.options) | {"split_evaluations": 5}
    assert replace(MADE, stages=(wasserstein,)).transfer_options().style_loss == "wasserstein"
    assert replace(MADE, stages=(wasserstein,), options=split).transfer_options().style_loss == "auto"


def test_stages_that_are_alike_count_as_one() -> None:
    rounds = [StageFacts("vgg19", 48, 32, 10, "neighbours", 1)] * 999
    other = StageFacts("vgg19", 32, 24, 7, "neighbours", 1)
    assert joined([other, *rounds]) == (other, StageFacts("vgg19", 48, 32, 9990, "neighbours", 1))


def test_what_decides_the_bits_is_compared() -> None:
    tiled = replace(MADE.stages[0], whole_from=3)
    other = replace(MADE, version="1.3.0", networks={"vgg19-lite": "f" * 64}, stages=(tiled,), preset="bold")
    assert list(MADE.differences(other)) == [
        "version: 1.3.0 in place of 1.2.3",
        "network: vgg19-lite has other weights",
        "memory: the picture is tiled in another way at 48 x 32 pixels",
    ]
    moments = replace(MADE, stages=(replace(MADE.stages[0], style_loss="wasserstein"),))
    assert list(MADE.differences(moments)) == [
        "style_loss: wasserstein in place of neighbours at 48 x 32 pixels, by the memory that is free"
    ]


def test_an_option_of_a_later_release_can_be_read_but_not_repeated() -> None:
    made = read_provenance(file_saying(json.dumps(record(options={"size": 48, "glaze": "thin"}))))
    assert made.options == {"size": 48, "glaze": "thin"}
    with pytest.raises(InvalidInputError, match=r"^glaze: this release has no such option; update tfstyle$"):
        made.transfer_options()


def test_other_programs_may_write_the_packet_anew() -> None:
    text = json.dumps(record()).replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:a="urn:tfstyle:provenance/" rdf:about="" a:record="{text}"/></rdf:RDF></x:xmpmeta>'
    ).encode()
    assert read_provenance(file_of(packet)) == MADE
    assert read_provenance(compressed(provenance_packet(MADE))) == MADE


def compressed(packet: bytes) -> bytes:
    """A PNG whose packet is compressed, as some programs write it."""
    chunk = b"XML:com.adobe.xmp\0\1\0en\0XMP\0" + zlib.compress(packet, 9)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", len(chunk), b"iTXt") + chunk + bytes(4)


BOMB = (
    '<!DOCTYPE a [<!ENTITY b "cccccccccc"><!ENTITY d "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">]><a>&e;</a>'
)


@pytest.mark.parametrize(
    ("packet", "says"),
    [
        (b"", "has damaged XMP metadata: no element found"),
        (b"<a/>", "carries no record"),
        (b"<a>", "has damaged XMP metadata: "),
        (b"\xff\xfe<a/>", "has damaged XMP metadata: "),
        (BOMB.encode(), "has damaged XMP metadata: it declares a document type"),
        (b"<a>" * 60 + b"</a>" * 60, "has damaged XMP metadata: its elements are nested too deeply"),
        (b"<a>" + b"c" * MOST_BYTES + b"</a>", "has 65,001 bytes of XMP metadata; at most 65,000 are read"),
    ],
)
def test_a_packet_may_be_anything(packet: bytes, says: str) -> None:
    chunk = b"XML:com.adobe.xmp\0\0\0\0\0" + packet
    assert says in complaint(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", len(chunk), b"iTXt") + chunk + bytes(4))
    assert says in complaint(compressed(packet))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"record"',
        "{",
        "{}",
        "[" * 30_000,
        '{"record":' * 5_000,
        '{"record": 1}',
        json.dumps({**record(), "record": True}) + "x",
        '{"record": ' + "1" * 6_000 + "}",
        json.dumps(record(version=["a"])),
        json.dumps(record(version="\x1b[2J")),
        json.dumps(record(device="a" * 300)),
        json.dumps(record(networks={"vgg19-lite": "no digest"})),
        json.dumps(record(networks={})),
        json.dumps(record(stages=[])),
        json.dumps(record(stages=[["vgg19-lite", 48, 32, 9, "neighbours"]])),
        json.dumps(record(stages=[["vgg19-lite", -48, 32, 9, "neighbours", 1]])),
        json.dumps(record(stages=[["vgg19-lite", 48, 32, 9, "neighbours", 1]] * 200)),
        json.dumps(record(pictures={"content": DIGEST})),
        json.dumps(record(pictures=["content"])),
        json.dumps(record(pictures=[{"name": "../x y", "width": 1, "height": 1, "sha256": DIGEST, "weight": 1}])),
        json.dumps(record(pictures=[{"name": "style", "width": 1, "height": 1, "sha256": DIGEST, "weight": "heavy"}])),
        json.dumps(record(options={"size": "large"})),
        json.dumps(record(options={"scales": [1, 2]})),
        json.dumps(record(options={"style_layers": "block1_conv1"})),
        json.dumps(record(options={"size": {"a": 1}})),
        json.dumps(record(options={"size": True})),
        json.dumps(record(options={"tv_weight": 1})).replace("1}", "NaN}"),
        json.dumps(record(options={"tv_weight": 1})).replace("1}", "1e999}"),
        json.dumps(record(options=dict.fromkeys(map(str, range(500)), 1))),
    ],
)
def test_a_damaged_record_is_one_line(text: str) -> None:
    assert complaint(file_saying(text)).startswith("result: its record of how it was made is damaged: ")


def test_a_record_of_a_later_release_says_so() -> None:
    assert complaint(file_saying('{"record": 2}')).endswith("is of a later release; update tfstyle")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF"])
def test_a_file_may_end_anywhere_and_be_damaged_anywhere(kind: str) -> None:
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("needs a Pillow with AVIF")
    buffer = io.BytesIO()
    packet = provenance_packet(MADE)
    if kind == "PNG":
        buffer.write(file_of(packet))
    else:
        more = {"tiffinfo": {700: packet}} if kind == "TIFF" else {"xmp": packet}
        Image.new("RGB", (16, 16)).save(buffer, kind, **more)
    data = buffer.getvalue()
    assert read_provenance(data) == MADE
    random = np.random.default_rng(7)
    readings = [outcome(data[:end]) for end in range(0, len(data), 7)]
    for _ in range(300):
        damaged = bytearray(data)
        for place in random.integers(0, len(data), 1 + random.integers(3)):
            damaged[place] = random.integers(256)
        readings.append(outcome(bytes(damaged)))
    assert all(reading == MADE for reading in readings[: len(data) // 7] if isinstance(reading, Provenance))
    assert not any("\n" in reading for reading in readings if isinstance(reading, str))


def outcome(data: bytes) -> Provenance | str:
    """What reading a file gives: its record, or the refusal."""
    try:
        return read_provenance(data)
    except InvalidInputError as error:
        return str(error)


def test_a_bomb_takes_neither_memory_nor_time() -> None:
    bomb = compressed(bytes(100 * 2**20))
    flood = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sI", 0, b"tEXt", 0) * 1_000_000
    tracemalloc.start()
    began = time.process_time()
    try:
        assert "has 65,001 bytes of XMP metadata" in complaint(bomb)
        assert "carries no record" in complaint(flood)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert time.process_time() - began < 2
