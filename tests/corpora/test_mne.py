"""MNE: captions, white ink on black, three splits."""

import io

import pytest
from PIL import Image

from hmer_tasks.corpora import CORPORA, Rejected, open_files
from hmer_tasks.exceptions import CorpusError, PictureError, RejectReason

MNE = CORPORA["mne"]


def bitmap(place: int) -> bytes:
    image = Image.new("L", (30, 20), 0)
    image.putpixel((place, 5), 255)
    buffer = io.BytesIO()
    image.save(buffer, "BMP")
    return buffer.getvalue()


FILES: dict[str, bytes | str] = {
    "N1/caption.txt": b"N1_0\tx _ { k }\nN1_1 y ^ { 2 }\nN1_2\tz\nN1_3\t\xe9\nlonely\n",
    "N1/images/N1_0.bmp": bitmap(1),
    "N1/images/N1_1.bmp": bitmap(2),
    "N3/caption.txt": "N3_0\t{ a } { }\n",
    "N3/images/N3_0.bmp": b"BM and nothing more",
}


@pytest.mark.parametrize("kind", ("folder", "zip", "tar.gz"))
@pytest.mark.parametrize("wrap", ("", "MNE/"))
def test_the_official_layout(write, pack, kind, wrap):
    root = write({wrap + name: data for name, data in FILES.items()})
    packed = root if kind == "folder" else pack(root, kind)
    with open_files(packed) as files:
        assert MNE.available(files) == ("N1", "N3")
        reader = MNE.open_split(files, "N1")
        assert reader.profile is None
        rows = [reader[index] for index in range(len(reader))]
        assert [(row.id, row.source, row.label) for row in rows[:3]] == [
            ("N1_0", "mne/N1", "x _ { k }"),
            ("N1_1", "mne/N1", "y ^ { 2 }"),
            ("N1_2", "mne/N1", "z"),
        ]
        assert [row.reason for row in rows if isinstance(row, Rejected)] == [
            RejectReason.NOT_UTF8,
            RejectReason.MALFORMED_LINE,
        ]
        for row, place in zip(rows[:2], (1, 2), strict=True):
            data, name = row.image.load()
            image = Image.open(io.BytesIO(data))
            assert name == f"{row.id}.png"
            assert [image.getpixel((x, 5)) for x in range(4)] == [0 if x == place else 255 for x in range(4)]
        with pytest.raises(PictureError) as caught:
            rows[2].image.load()
        assert caught.value.reason is RejectReason.IMAGE_MISSING
        with pytest.raises(PictureError) as caught:
            MNE.open_split(files, "N3")[0].image.load()
        assert caught.value.reason is RejectReason.IMAGE_UNREADABLE
        with pytest.raises(CorpusError, match="there is: N1, N3"):
            MNE.open_split(files, "N2")


def test_an_empty_split(write):
    with (
        open_files(write({"N2/caption.txt": "\n\n"})) as files,
        pytest.raises(CorpusError, match=r"N2/caption\.txt.*holds no labels") as caught,
    ):
        MNE.open_split(files, "N2")
    assert "\n" not in str(caught.value)


@pytest.mark.corpora
def test_real_labels(corpora, write):
    captions = (corpora / "mne" / "N1.tsv").read_bytes()
    with open_files(write({"N1/caption.txt": captions})) as files:
        reader = MNE.open_split(files, "N1")
        assert len(reader) == 1_875
        assert not any(isinstance(reader[index], Rejected) for index in range(len(reader)))
